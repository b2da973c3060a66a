import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_USAGE, exitCodes } from '../../src/cli/exit-codes.ts';
import { personOf } from '../../src/cli/person.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { requestApproval } from '../../src/quarters/approvals.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { quarterActions } from '../../src/quarters/verbs.ts';
import { openHouse } from '../quarters/support.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const NOW = '2026-08-01T12:00:00Z';

let home: TestDatabase;
let house: QuarterHouse;
let store: string;

beforeAll(async () => {
  home = await createDatabase();
  house = openHouse(home.url, { now: NOW });
  store = await mkdtemp(join(tmpdir(), 'quartermaster-cli-'));
  await ensureQuarters(house, { actor: 'test' }, new Date('2026-01-01T00:00:00Z'), new Date(NOW));
});
afterAll(async () => {
  await house.database.close();
  await home.drop();
  await rm(store, { recursive: true });
});

/** Runs `quartermaster quarters …`; words are separated by blanks, and `_` stands for one within a word. */
async function quarters(args: string, environment: Record<string, string> = {}) {
  return quartermaster(`quarters ${args}`, environment);
}

async function quartermaster(
  args: string,
  environment: Record<string, string> = {},
  out: Writable & { read?(): unknown } = new PassThrough(),
) {
  const err = new PassThrough();
  const env = { QM_DATABASE_URL: home.url, QM_STORE: pathToFileURL(store).href, ...environment };
  const entry = createEntry({
    version: '1.2.3',
    clock: fixedClock(NOW),
    signal: new AbortController().signal,
  });
  const kit = { entry: { ...entry, readConfig: () => readConfig(env) }, out, err };
  const words = args.split(' ').map((word) => word.replaceAll('_', ' '));
  const code = await runCommandLine(kit, words);
  return { code, out: String(out.read?.() ?? ''), err: String(err.read() ?? '') };
}

describe('every verb', () => {
  it.each(Object.keys(quarterActions))('%s is a command that teaches itself by example', async (verb) => {
    const { code, out } = await quarters(`${verb} --help`);
    expect(code).toBe(0);
    for (const text of ['--reason', '--dry-run', '--json', `$ quartermaster quarters ${verb} 2024q1`]) {
      expect(out).toContain(text);
    }
  });

  it.each([
    ['drop 2026q1 --reason old', exitCodes.invalid, 'not_confirmed'],
    ['hold 2026q1', exitCodes.invalid, 'reason_missing'],
    ['reopen 2026q1..2026q2 --reason _', exitCodes.invalid, 'reason_missing'],
    ['restore 2026q1 --reason audit --until sometime', exitCodes.invalid, 'bad_option'],
    ['restore 2026q1 --reason audit --until 01/02/2027', exitCodes.invalid, '2027-02-01 or 2027-01-02'],
    ['restore 2026q1 --reason audit --until 2026-07-31', exitCodes.invalid, 'not to come'],
    ['restore 2026q1 --reason audit --until 2026-02-30', exitCodes.invalid, 'bad_option'],
    ['close 2026', exitCodes.invalid, 'invalid_quarter'],
    ['show 2026q5', exitCodes.invalid, 'invalid_quarter'],
    ['show 1999q1', exitCodes.not_found, 'no_such_quarter'],
    ['close 1999q1', exitCodes.not_found, 'no_such_quarter'],
    ['close 2026q1 --until 2026-12-31', EXIT_USAGE, 'unknown option'],
    ['close', EXIT_USAGE, 'missing required argument'],
  ])('refuses `%s` with %i', async (args, expected, said) => {
    const { code, out, err } = await quarters(args);
    expect({ code, out }).toEqual({ code: expected, out: '' });
    expect(err).toContain(said);
  });
});

describe('a dry run', () => {
  it('says what is in the way and ends as the refusal would, or what would be done', async () => {
    const refused = await quarters('close 2026q2 --dry-run');
    expect(refused.code).toBe(exitCodes.refused);
    expect(refused.out).toMatch(
      /^! close 2026q2 would be refused now:\n {2}- .*2026q1.*\[earlier_quarter_open\]/,
    );
    expect(refused.err).toContain('[earlier_quarter_open]');
    const json = await quarters('close 2026q1..2026q3 --dry-run --json');
    expect(json.code).toBe(exitCodes.refused);
    expect(JSON.parse(json.out)).toMatchObject([
      { quarter: '2026q1', done: false, obstacles: [] },
      { quarter: '2026q2', obstacles: [{ code: 'earlier_quarter_open' }] },
      { quarter: '2026q3', obstacles: [{ code: 'quarter_not_ended' }, { code: 'earlier_quarter_open' }] },
    ]);
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'earlier_quarter_open' } });
    const clear = await quarters('close 2026q1 --dry-run');
    expect(clear).toMatchObject({ code: 0, out: expect.stringMatching(/^✓ close 2026q1 would go on now/) });
    expect((await readQuarter(house.database.write, '2026q1')).state).toBe('open');
  });
});

describe('a range', () => {
  it('goes on in order until one fails, and says how far it came', async () => {
    const { code, out, err } = await quarters('close 2026q1..2026q4 --reason year-end');
    expect(code).toBe(exitCodes.refused);
    expect(out).toMatch(/^✓ close 2026q1 is done\.\n[\s\S]*✓ close 2026q2 is done\./);
    expect(err).toContain('Done: 2026q1, 2026q2. Stopped at 2026q3. Not begun: 2026q4.');
    expect(err).toContain('[quarter_not_ended]');
    const again = await quarters('close 2026q1..2026q3 --json');
    expect(JSON.parse(again.out)).toMatchObject([
      { quarter: '2026q1', closed: false },
      { quarter: '2026q2', closed: false },
    ]);
    const events = await house.database.write
      .selectFrom('quartermaster.quarter_events')
      .select(['quarter', 'actor', 'reason'])
      .where('event', '=', 'close')
      .orderBy('id')
      .execute();
    const by = { actor: personOf(), reason: 'year-end' };
    expect(events).toEqual([
      { quarter: '2026q1', ...by },
      { quarter: '2026q2', ...by },
    ]);
    expect((await quarters('close 2026q1')).out).toMatch(/^✓ close 2026q1 is done, as it was before\./);
  });

  it('that was closed has a trial balance, whose reader may go away before its end', async () => {
    const gone = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    }).on('error', () => {});
    const cut = await quartermaster('quarters trial-balance 2026q1 --csv', {}, gone);
    expect(cut).toEqual({ code: 0, out: '', err: '' });
  });
});

describe('what is shown of a quarter', () => {
  it('is its hold, and what comes next', async () => {
    expect(await quarters('hold 2026q2 --reason a_lawsuit')).toMatchObject({ code: 0 });
    expect((await quarters('list')).out).toMatch(/^2026q2 +◐ closed, held /m);
    const { out } = await quarters('show 2026q2', { QM_ONLINE_QUARTERS: '1' });
    expect(out).toMatch(/^2026q2 {2}◐ closed, held {3}times of UTC$/m);
    expect(out).toMatch(/^Held +a lawsuit$/m);
    expect(out).toMatch(/^ {2}archive by itself from 2026-07-01 00:00 on, but it is held$/m);
    expect(JSON.parse((await quarters('show 2026q2 --json')).out)).toMatchObject({
      holdReason: 'a lawsuit',
      next: { verb: 'archive', at: '2028-04-01T00:00:00.000Z' },
    });
  });
});

describe('the second person', () => {
  const required = { QM_ARCHIVE_APPROVAL: 'required' };
  const ask = async (actor: string) => {
    const row = await readQuarter(house.database.write, '2026q1');
    await requestApproval(house, { actor, reason: 'year-end' }, row, 'archive');
  };

  it('is told what nobody has asked for, and who asked', async () => {
    const { code, err } = await quarters('approve 2026q1', required);
    expect(code).toBe(exitCodes.conflict);
    expect(err).toContain('[nothing_to_approve]');
    await ask('ada');
    expect((await quarters('list')).out).toMatch(/^2026q1 +◐ closed, archive waits /m);
    expect((await quarters('show 2026q1', required)).out).toMatch(
      /^ {2}archive asked for by ada, .* \(year-end\): waits until somebody else approves$/m,
    );
  });

  it('approves, and a worker goes on, or is not there and that is said', async () => {
    const alone = await quarters('approve 2026q1', required);
    expect(alone.code).toBe(0);
    expect(alone.err).toContain('There is no queue for a worker');
    expect((await quarters('show 2026q1', required)).out).toMatch(
      new RegExp(`^ {2}archive asked for by ada, .*: approved by ${personOf()}, `, 'm'),
    );
    // Now with queues: who approves once more has it go on.
    expect(await quartermaster('migrate up')).toMatchObject({ code: 0 });
    const followed = await quarters('approve 2026q1', required);
    expect(followed.err).toContain('A worker does the archive for ada next');
    const jobs = await house.database.write
      .selectFrom('quartermaster.quarter_jobs')
      .select(['quarter', 'verb', 'actor', 'reason', 'state'])
      .execute();
    expect(jobs).toEqual([
      { quarter: '2026q1', verb: 'archive', actor: 'ada', reason: 'year-end', state: 'waiting' },
    ]);
  });

  it('is not who asked', async () => {
    // Asked for by way of the job it is asked for by the same person.
    const asked = await quartermaster('run archive 2026q2', required);
    expect(asked.err).toContain('[approval_required]');
    const { code, err } = await quarters('approve 2026q2', required);
    expect(code).toBe(exitCodes.refused);
    expect(err).toContain('[own_request]');
    expect(await quarters('approve 2026q2 --dry-run', required)).toMatchObject({ code: exitCodes.refused });
    // Nor by the same name in another case.
    await house.database.write
      .updateTable('quartermaster.approvals')
      .set({ requested_by: ` ${personOf().toUpperCase()}` })
      .where('quarter', '=', '2026q2')
      .execute();
    expect((await quarters('approve 2026q2', required)).err).toContain('[own_request]');
  });
});

describe('a verb that is run here', () => {
  it('asks for statistics of what it has changed, where there are queues', async () => {
    const asked = async () => {
      const { rows } = await sql<{ name: string }>`
        SELECT name FROM pgboss.job WHERE start_after > created_on`.execute(house.database.write);
      return rows.map(({ name }) => name);
    };
    expect(await asked()).toEqual([]);
    expect(await quarters('hold 2025q4 --reason audit')).toMatchObject({ code: exitCodes.not_found });
    expect(await quarters('create 2025q4')).toMatchObject({ code: 0 });
    expect(await asked()).toEqual(['analyze-partitions']);
  });
});
