import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_USAGE, exitCodes } from '../../src/cli/exit-codes.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { parseQuarterRange } from '../../src/cli/quarter-range.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;

beforeAll(async () => {
  test = await createDatabase({ migrated: false });
});

afterAll(async () => {
  await test.drop();
});

/** Runs a command line in this process, with an environment of its own. */
async function quartermaster(args: string, env: Record<string, string> = { QM_DATABASE_URL: test.url }) {
  const out = new PassThrough();
  const err = new PassThrough();
  const entry = createEntry({ version: '1.2.3', clock: systemClock, signal: new AbortController().signal });
  const kit = { entry: { ...entry, readConfig: () => readConfig(env) }, out, err };
  const code = await runCommandLine(kit, args.split(' ').filter(Boolean));
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

describe('the command line', () => {
  it('says how it is called', async () => {
    const { code, out } = await quartermaster('--help', {});
    expect(code).toBe(0);
    for (const command of [
      'demo',
      'dev',
      'migrate',
      'api',
      'worker',
      'load',
      'quarters',
      'archive',
      'reports',
      'reconcile',
      'summaries',
      'indexes',
      'run',
      'doctor',
    ]) {
      expect(out).toContain(`  ${command} `);
    }
    expect(out).toContain('Exit codes');
    expect((await quartermaster('--version', {})).out).toBe('1.2.3\n');
  });

  it.each([
    'demo',
    'dev',
    'migrate',
    'api',
    'worker',
    'load',
    'quarters',
    'archive',
    'reconcile',
    'run',
    'doctor',
  ])('teaches %s by example', async (command) => {
    const { code, out } = await quartermaster(`${command} --help`, {});
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples:\\n {2}\\$ quartermaster ${command}`));
  });

  it('offers --json where there is a result, and says what it is', async () => {
    for (const serves of ['api', 'worker', 'dev'])
      expect((await quartermaster(`${serves} --help`, {})).out).not.toContain('--json');
    const { out } = await quartermaster('quarters watch --help', {});
    expect(out.replace(/\s+/g, ' ')).toContain('--json print one JSON document a line');
  });

  it.each(['quarters archive', 'no-such-command', 'load', 'quarters list --no-such-option'])(
    'ends a wrong call (%s) with its own exit code',
    async (args) => {
      const { code, err } = await quartermaster(args);
      expect(code).toBe(EXIT_USAGE);
      expect(err).toMatch(/error: /);
    },
  );

  it('names every wrong setting at once and ends with 78', async () => {
    const { code, err } = await quartermaster('quarters list', { QM_PORT: 'x', QM_TIMEZONE: 'y' });
    expect(code).toBe(exitCodes.config);
    expect(err).toMatch(/QM_TIMEZONE must be[\s\S]*QM_PORT must be/);
  });

  it('says what to do when there is no database, or an empty one', async () => {
    expect(await quartermaster('quarters list', {})).toMatchObject({ code: 78, err: /QM_DATABASE_URL/ });
    expect(await quartermaster('quarters list')).toMatchObject({ code: 78, err: /quartermaster migrate up/ });
    expect(await quartermaster('doctor')).toMatchObject({ code: 78, out: /FAILED.*schema[\s\S]*migrate up/ });
    const away = { QM_DATABASE_URL: 'postgres://app:secret@127.0.0.1:1/none' };
    const { code, err } = await quartermaster('quarters list --json', away);
    expect(code).toBe(exitCodes.unavailable);
    expect(JSON.parse(err)).toMatchObject({ error: { kind: 'unavailable', code: 'database_unavailable' } });
  });

  it('takes an empty database to a ledger that is well', async () => {
    expect(await quartermaster('migrate up')).toMatchObject({ code: 0, out: /Ran \d+ migrations/ });
    expect(await quartermaster('migrate up')).toMatchObject({ code: 0, out: /up to date/ });
    expect((await quartermaster('doctor')).out).toMatch(/FAILED.*writes have a partition/);
    expect(await quartermaster('run reconcile-partitions --json')).toMatchObject({ code: 0 });
    // The server of the tests is fast instead of safe, and nobody works there: the doctor sees both.
    const { out } = await quartermaster('doctor --json');
    const findings = JSON.parse(out) as { name: string; outcome: string }[];
    const failed = findings.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
    expect(failed.filter((name) => name !== 'durability')).toEqual(['worker-seen']);
    expect(findings.length).toBeGreaterThan(8);
    const list = await quartermaster('quarters list --json');
    const quarters = JSON.parse(list.out) as { name: string; state: string }[];
    expect(quarters).toHaveLength(5);
    expect(quarters.every(({ state }) => state === 'open')).toBe(true);
    expect((await quartermaster('quarters list')).out).toMatch(/^Quarter +State/);
    const named = quarters.slice(0, 2).map(({ name }) => name);
    for (const given of [named.join('..'), `--quarters ${named.join('..')}`]) {
      const some = JSON.parse((await quartermaster(`quarters list ${given} --json`)).out);
      expect(some.map(({ name }: { name: string }) => name)).toEqual(named);
    }
    const last = quarters.at(-1)?.name as string;
    expect((await quartermaster(`quarters show ${last}`)).out).toMatch(
      new RegExp(`^${last} {2}○ open, ahead`),
    );
    expect(await quartermaster(`quarters close ${last}`)).toMatchObject({
      code: exitCodes.refused,
      err: /ended/,
    });
    expect(await quartermaster('quarters show 1999q1')).toMatchObject({ code: exitCodes.not_found });
    expect(await quartermaster('run no-such-job')).toMatchObject({ code: 65, err: /reconcile-partitions/ });
  });

  it('refuses a zone that is not the one the quarters were cut by', async () => {
    const env = { QM_DATABASE_URL: test.url, QM_TIMEZONE: 'Asia/Tokyo' };
    expect(await quartermaster('quarters list', env)).toMatchObject({ code: 78, err: /QM_TIMEZONE/ });
  });

  it('destroys nothing without being told twice', async () => {
    expect(await quartermaster('migrate down')).toMatchObject({
      code: 65,
      err: /takes back \d{4}_\w+, the last migration.*--yes/,
    });
  });
});

describe('a range of quarters', () => {
  const known = ['2022q4', '2023q1', '2023q2', '2023q3'];
  const names = (text: string, of = known) => parseQuarterRange(text).names(of);

  it('is one quarter, all between two, or several of these', () => {
    expect(names('2024q1')).toEqual(['2024q1']);
    expect(names('2023q3..2024q2')).toEqual(['2023q3', '2023q4', '2024q1', '2024q2']);
    expect(names('2024q1, 2019Q2,2023q4..2024q1')).toEqual(['2019q2', '2023q4', '2024q1']);
    expect(names('2024-Q1')).toEqual(['2024q1']);
  });

  it('may have an open end, which is that of what there is', () => {
    expect(parseQuarterRange('2023q2..')).toMatchObject({ isOpen: true });
    expect(names('2023q2..')).toEqual(['2023q2', '2023q3']);
    expect(names('..2023q1')).toEqual(['2022q4', '2023q1']);
    expect(() => names('2030q1..')).toThrow(/there are 2022q4 to 2023q3/);
    expect(() => names('2030q1..', [])).toThrow(/there are none/);
  });

  it.each(['2024', '2024q5', '..', '2024q2..2024q1', 'a..b..c', '', '2024q1,', '2024q1...2024q2'])(
    'is not %j',
    (text) => {
      expect(() => names(text)).toThrow(/quarter|before it begins/);
    },
  );

  it('is not more than a person can mean', () => {
    expect(() => names('1900q1..2024q4')).toThrow(/more than 400/);
  });
});
