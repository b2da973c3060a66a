import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { closeQuarter } from '../../src/quarters/close.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { openApi, openOffice } from '../jobs/desk-fixture.ts';
import { useQueueBench, whileWorking } from '../queue/harness.ts';
import { problemIn } from './house.ts';

const slow = { timeout: 60_000 };

type Caller = ReturnType<ReturnType<typeof openApi>['as']>;

async function ended(caller: Caller, id: string) {
  const job = async () => (await caller.get(`/v1/jobs/${id}`)).json();
  await expect.poll(async () => (await job()).finished_at, { timeout: 30_000 }).not.toBeNull();
  return job();
}

/** Two quarters, a summary of the first of which is wrong, so that its close is refused. */
async function openBroken(bench: ReturnType<typeof useQueueBench>) {
  const office = await openOffice(bench);
  const api = openApi(office.house);
  const db = office.house.owner.write;
  await sql`UPDATE ledger.daily_totals SET total_amount = total_amount + 1 WHERE day < '2026-02-01'`.execute(
    db,
  );
  return {
    ...office,
    ada: await api.keyOf('ada', 'finance'),
    eve: await api.keyOf('eve', 'finance'),
    mend: () =>
      sql`UPDATE ledger.daily_totals SET total_amount = total_amount - 1 WHERE day < '2026-02-01'`.execute(
        db,
      ),
  };
}

describe('a step that failed', () => {
  const bench = useQueueBench({ migrated: true });

  it('is asked for once more as it was, under the name of who asks now', slow, async () => {
    const { house, jobs, ada, eve, mend } = await openBroken(bench);
    const asked = await ada.post('/v1/quarters/2026q1/close', { reason: 'the year is over' });
    const { id } = asked.json().job;
    problemIn(await eve.post(`/v1/jobs/${id}/retry`), 409, 'job_not_failed');
    await whileWorking(house.queue, jobs, async () => {
      expect(await ended(ada, id)).toMatchObject({ state: 'failed', error: { code: 'close_check_failed' } });
    });
    // What the close has checked is told with what was wrong.
    const refused = (await ada.get('/v1/quarters/2026q1')).json();
    expect(refused.state).toBe('open');
    expect(refused.checks.map(({ name }: { name: string }) => name)).toContain('summaries');
    expect(refused.checks.filter(({ ok }: { ok: boolean }) => !ok)).toMatchObject([
      { name: 'summaries', ok: false, detail: expect.stringMatching(/\w/) },
    ]);
    expect(refused.checked_at).toBe(refused.events.at(-1).at);

    await mend();
    const response = await eve.post(`/v1/jobs/${id}/retry`);
    expect(response.statusCode, response.body).toBe(202);
    expect(response.headers.location).toBe(`/v1/jobs/${id}`);
    expect(response.json()).toMatchObject({
      ...{ id, quarter: '2026q1', verb: 'close', state: 'waiting', error: null },
      ...{ actor: 'eve', reason: 'the year is over' },
    });
    problemIn(await ada.post(`/v1/jobs/${id}/retry`), 409, 'job_not_failed');
    await whileWorking(house.queue, jobs, async () => {
      expect(await ended(ada, id)).toMatchObject({ state: 'done', actor: 'eve' });
    });
    const closed = (await ada.get('/v1/quarters/2026q1')).json();
    expect(closed.events.at(-1)).toMatchObject({ event: 'close', actor: 'eve', reason: 'the year is over' });
    expect(closed.checks.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
    expect(closed.checked_at).toBe(closed.events.at(-1).at);
  });
});

describe('a failed step that is out of date', () => {
  const bench = useQueueBench({ migrated: true });

  it('that the quarter has overtaken is asked for no more', slow, async () => {
    const { house, jobs, ada, mend } = await openBroken(bench);
    const { id } = (await ada.post('/v1/quarters/2026q1/close')).json().job;
    await whileWorking(house.queue, jobs, () => ended(ada, id));
    await mend();
    await closeQuarter(house.quarters, { actor: 'somebody at a terminal' }, '2026q1');
    const { detail } = problemIn(await ada.post(`/v1/jobs/${id}/retry`), 409, 'job_overtaken');
    expect(detail).toContain('somebody at a terminal');
    // Nor is it right again when the quarter is as it was: nobody has looked since.
    await reopenQuarter(house.quarters, { actor: 'bob', reason: 'a late row' }, '2026q1');
    problemIn(await ada.post(`/v1/jobs/${id}/retry`), 409, 'job_overtaken');
  });
});

describe('a failed step that cannot be done', () => {
  const bench = useQueueBench({ migrated: true });

  it('is refused as anybody who asks for it would be', slow, async () => {
    const { house, jobs, ada, mend } = await openBroken(bench);
    await mend();
    // The first quarter is closed, and the books of the second are broken.
    await closeQuarter(house.quarters, { actor: 'test' }, '2026q1');
    const db = house.owner.write;
    await sql`UPDATE ledger.daily_totals SET total_amount = total_amount + 1 WHERE day > '2026-04-01'`.execute(
      db,
    );
    const { id } = (await ada.post('/v1/quarters/2026q2/close')).json().job;
    await whileWorking(house.queue, jobs, () => ended(ada, id));
    await reopenQuarter(house.quarters, { actor: 'bob', reason: 'a late row' }, '2026q1');
    problemIn(await ada.post(`/v1/jobs/${id}/retry`), 422, 'earlier_quarter_open');
    expect((await ada.get(`/v1/jobs/${id}`)).json()).toMatchObject({ state: 'failed', actor: 'ada' });
  });

  it('is known by its id, and not to everybody', slow, async () => {
    const { house } = await openOffice(bench);
    const api = openApi(house);
    const [ada, writer] = [await api.keyOf('ada', 'finance'), await api.keyOf('wim', 'writer')];
    const id = '00000001-aaaa-8bbb-8ccc-0123456789ab';
    problemIn(await ada.post(`/v1/jobs/${id}/retry`), 404, 'job_not_found');
    problemIn(await ada.post('/v1/jobs/17/retry'), 400, 'invalid_request');
    problemIn(await ada.post(`/v1/jobs/${id}/retry`, { reason: 'again' }), 400, 'invalid_request');
    problemIn(await writer.post(`/v1/jobs/${id}/retry`), 403, 'forbidden');
  });
});
