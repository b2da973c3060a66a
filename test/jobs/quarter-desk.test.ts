import { describe, expect, it } from 'vitest';
import { runInForeground } from '../../jobs/run.ts';
import { clearApprovals, requestApproval } from '../../src/quarters/approvals.ts';
import { approveQuarter } from '../../src/quarters/approve.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { problemIn } from '../http/house.ts';
import { claims, main, openIssuer, sign } from '../http/issuer.ts';
import { useQueueBench, whileWorking } from '../queue/harness.ts';
import { openApi, openOffice } from './desk-fixture.ts';

const slow = { timeout: 60_000 };

type Caller = ReturnType<ReturnType<typeof openApi>['as']>;

/** Asks how far a job is until it has ended. */
async function followed(caller: Caller, url: string) {
  const ended = async () => (await caller.get(url)).json();
  await expect.poll(async () => (await ended()).finished_at, { timeout: 30_000 }).not.toBeNull();
  return ended();
}

describe('long work over HTTP', () => {
  const bench = useQueueBench({ migrated: true });

  it('is done by a worker, in the name of who asked, and followed to its end', slow, async () => {
    const { house, jobs } = await openOffice(bench);
    const api = openApi(house);
    const ada = await api.keyOf('ada', 'finance');
    const eve = await api.keyOf('eve', 'writer');
    problemIn(await eve.post('/v1/quarters/2026q1/close'), 403, 'forbidden');
    // What stands in the way is said at once, and nothing is left behind.
    problemIn(await ada.post('/v1/quarters/2026q2/close'), 422, 'earlier_quarter_open');
    problemIn(await ada.post('/v1/quarters/2019q1/close'), 404, 'no_such_quarter');
    expect((await ada.get('/v1/jobs')).json()).toEqual({ jobs: [] });

    const dry = (await ada.post('/v1/quarters/2026q1/close', { dry_run: true })).json();
    expect(dry).toMatchObject({ dry_run: true, done: false, obstacles: [] });
    const accepted = await ada.post('/v1/quarters/2026q1/close', { reason: 'the quarter is over' });
    expect(accepted.statusCode).toBe(202);
    const { job } = accepted.json();
    expect(job).toMatchObject({ state: 'waiting', actor: 'ada', reason: 'the quarter is over' });
    // Whoever asks as well is shown the same job.
    expect((await ada.post('/v1/quarters/2026q1/close')).json().job).toEqual(job);

    await whileWorking(house.queue, jobs, async () => {
      expect(await followed(eve, String(accepted.headers.location))).toMatchObject({
        id: job.id,
        state: 'done',
        report: { quarter: '2026q1', closed: true, transactions: '30', entries: '60' },
        error: null,
      });
    });
    expect((await eve.get('/v1/jobs?quarter=2026q1')).json().jobs).toMatchObject([{ id: job.id }]);
    const quarter = (await eve.get('/v1/quarters/2026q1')).json();
    expect(quarter).toMatchObject({
      state: 'closed',
      transactions: 30,
      next: { verb: 'archive', at: '2028-01-01T00:00:00.000Z', withheld: null },
    });
    expect(quarter.events.at(-1)).toMatchObject({
      event: 'close',
      actor: 'ada',
      reason: 'the quarter is over',
    });
    const again = await ada.post('/v1/quarters/2026q1/close');
    expect([again.statusCode, again.json()]).toEqual([
      200,
      { quarter: '2026q1', verb: 'close', dry_run: false, done: true },
    ]);
  });

  it('is accepted while only what passes by itself stands in its way', slow, async () => {
    const { house } = await openOffice(bench);
    const ada = await openApi(house).keyOf('ada', 'admin');
    await house.database.write
      .insertInto('quartermaster.summary_marks')
      .values({ ledger_id: 1, day: '2026-05-01' })
      .execute();
    const dry = (await ada.post('/v1/quarters/2026q2/close', { dry_run: true })).json();
    expect(dry.obstacles).toMatchObject([{ code: 'summaries_outstanding', kind: 'busy' }]);
    expect((await ada.post('/v1/quarters/2026q2/close')).statusCode).toBe(202);
  });

  it('is refused without the reason it needs, whatever else there is to say', slow, async () => {
    const { house } = await openOffice(bench);
    const ada = await openApi(house).keyOf('ada', 'finance');
    for (const verb of ['hold', 'reopen', 'restore', 'drop']) {
      const response = await ada.post(
        `/v1/quarters/2026q2/${verb}`,
        verb === 'drop' ? { confirm: '2026q2' } : {},
      );
      problemIn(response, 400, 'reason_missing');
    }
    const held = await ada.post('/v1/quarters/2026q2/hold', { reason: 'audit' });
    expect(held.json()).toMatchObject({ done: true, report: { hold_reason: 'audit', changed: true } });
    expect((await ada.get('/v1/quarters/2026q2')).json().hold_reason).toBe('audit');
  });
});

describe('where two people have to want it', () => {
  const bench = useQueueBench({ migrated: true });
  const required = { QM_ARCHIVE_APPROVAL: 'required' };

  it('one asks, another approves, and it goes on by itself', slow, async () => {
    const { house, jobs } = await openOffice(bench, required);
    const { verify, state } = await openIssuer(main);
    state.ms = house.clock.now().getTime();
    const api = openApi(house, verify);
    const ada = await api.keyOf('ada', 'finance');
    const eve = await api.keyOf('eve', 'reader');
    const exp = state.ms / 1000 + 600;
    const bob = api.as(
      await sign({
        ...claims,
        exp,
        sub: 'bob',
        quartermaster_roles: ['finance'],
        quartermaster_ledgers: '*',
      }),
    );
    await closeQuarter(house.quarters, { actor: 'test' }, '2026q1');
    const url = '/v1/quarters/2026q1';
    problemIn(await bob.post(`${url}/approve`), 409, 'nothing_to_approve');
    // To look is not to ask.
    expect((await bob.post(`${url}/archive`, { dry_run: true })).json().obstacles).toMatchObject([
      { code: 'approval_required' },
    ]);
    expect((await eve.get(url)).json().approvals).toEqual([]);

    const refused = problemIn(
      await ada.post(`${url}/archive`, { reason: 'year-end' }),
      409,
      'approval_required',
    );
    expect(refused.detail).toContain('ada has asked for it and cannot approve it');
    expect((await eve.get(url)).json()).toMatchObject({
      awaiting_approval: ['archive'],
      approvals: [{ verb: 'archive', requested_by: 'ada', reason: 'year-end', approved_by: null }],
    });
    problemIn(await ada.post(`${url}/approve`), 422, 'own_request');
    problemIn(await eve.post(`${url}/approve`), 403, 'forbidden');
    expect((await eve.get('/v1/jobs')).json().jobs).toEqual([]);

    const { report } = (await bob.post(`${url}/approve`)).json();
    expect(report).toMatchObject({
      approved: [{ verb: 'archive', requested_by: 'ada' }],
      jobs: [expect.any(String)],
    });
    expect((await bob.post(`${url}/approve`)).json().report).toMatchObject({
      approved: [],
      jobs: report.jobs,
    });
    await whileWorking(house.queue, jobs, async () => {
      expect(await followed(eve, `/v1/jobs/${report.jobs[0]}`)).toMatchObject({
        verb: 'archive',
        actor: 'ada',
        reason: 'year-end',
        state: 'done',
      });
    });
    const archived = (await eve.get(url)).json();
    expect(archived).toMatchObject({
      state: 'archived',
      awaiting_approval: [],
      approvals: [{ requested_by: 'ada', approved_by: 'bob' }],
    });
    expect(archived.events.map(({ event, actor }: Record<string, string>) => `${event} ${actor}`)).toEqual([
      'create load',
      'close test',
      'archive_requested ada',
      'approve bob',
      'archive ada',
    ]);
    expect((await ada.post(`${url}/archive`)).json()).toMatchObject({ done: true });
  });

  it('the schedule asks, one person approves, and the quarter leaves', slow, async () => {
    const { house, jobs, run } = await openOffice(bench, { ...required, QM_ONLINE_QUARTERS: '1' });
    const bob = await openApi(house).keyOf('bob', 'finance');
    const quarter = '2026q2';
    await closeQuarter(house.quarters, { actor: 'test' }, quarter);
    const { withheld } = (await runInForeground(jobs, 'quarter-tick', {}, run)) as { withheld: object[] };
    expect(withheld).toContainEqual({ quarter, verb: 'archive', why: 'approval_required' });
    expect((await bob.get(`/v1/quarters/${quarter}`)).json()).toMatchObject({
      approvals: [{ requested_by: 'schedule', approved_by: null }],
      next: { verb: 'archive', withheld: 'approval_required' },
    });
    const { report } = (await bob.post(`/v1/quarters/${quarter}/approve`)).json();
    expect(report.jobs).toHaveLength(1);
    await whileWorking(house.queue, jobs, async () => {
      await expect
        .poll(async () => (await readQuarter(house.database.write, quarter)).state, { timeout: 40_000 })
        .toBe('detached');
    });
  });

  it('a drop goes on once it is approved', slow, async () => {
    const { house } = await openOffice(bench, required);
    const { desk } = openApi(house);
    const db = house.database.write;
    const row = await readQuarter(db, '2026q2');
    await requestApproval(house.quarters, { actor: 'ada', reason: 'old' }, row, 'drop');
    expect(await desk.goOn('2026q2')).toEqual([]);
    await approveQuarter(house.quarters, { actor: 'bob' }, '2026q2');
    expect(await desk.goOn('2026q2')).toMatchObject([{ verb: 'drop', actor: 'ada', reason: 'old' }]);
    await db.transaction().execute((trx) => clearApprovals(trx, '2026q2'));
  });

  it('approved is what stands, and not what it was before', slow, async () => {
    const { house } = await openOffice(bench, required);
    const api = openApi(house);
    // 2026q1 was archived above, and what was approved is done.
    const row = await readQuarter(house.database.write, '2026q2');
    await requestApproval(house.quarters, { actor: 'ada' }, { ...row, digest: 'another' }, 'archive');
    const bob = await api.keyOf('bob', 'finance');
    problemIn(await bob.post('/v1/quarters/2026q2/approve'), 409, 'nothing_to_approve');
    expect(await api.desk.goOn('2026q1')).toEqual([]);
  });
});
