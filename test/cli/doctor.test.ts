import { readFileSync } from 'node:fs';
import { glob, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import Value from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { groups } from '../../src/cli/doctor/check.ts';
import { doctorDocument } from '../../src/cli/doctor/document.ts';
import { doctorSchema, type Finding } from '../../src/cli/doctor/finding.ts';
import { checks } from '../../src/cli/doctor/list.ts';
import { createTeller } from '../../src/cli/doctor/render.ts';
import { migrateWhole } from '../support/migrate.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { doctor, findingsOf, run } from './doctor.ts';
import { soundHouse } from './doctor-house.ts';

const root = new URL('../../', import.meta.url);

describe('the list of checks', () => {
  it('has each by a name of its own, in the order of the groups, and needs only what comes before', () => {
    const names = checks.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(35);
    expect([...new Set(checks.map(({ group }) => group))]).toEqual([...groups]);
    const order = checks.map(({ group }) => groups.indexOf(group));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    for (const [index, { needs = [] }] of checks.entries())
      for (const need of needs.flatMap((one) => one.split('|')))
        expect(names.slice(0, index)).toContain(need);
  });

  it('says of each what is so, what comes of it where it is not, and what to do', () => {
    for (const { check, looks, means, advice } of checks) {
      expect(check).toMatch(/^\S.*[^.]$/);
      expect(looks).toMatch(/\w/);
      expect(means).toMatch(/^\S.*\.$/);
      expect(advice).toMatch(/^\S.*[.…]$/);
      for (const text of [check, looks, means, advice]) expect(text).not.toContain('\n');
    }
  });

  it('has a set-up for each that is broken on purpose', async () => {
    let tests = '';
    for await (const file of glob('test/cli/doctor*.test.ts', { cwd: root }))
      tests += readFileSync(new URL(file, root), 'utf8');
    const untried = checks.filter(
      ({ name }) => !new RegExp(`(breaks\\(|it\\()\\s*'${name}['|:]`).test(tests),
    );
    expect(untried.map(({ name }) => name)).toEqual([]);
  });

  it('is what docs/doctor.md was made of', async () => {
    const file = new URL('docs/doctor.md', root);
    const document = doctorDocument(checks);
    if (process.env.QM_TEST_WRITE_DOCTOR === '1') await writeFile(file, document);
    expect(readFileSync(file, 'utf8'), 'run QM_TEST_WRITE_DOCTOR=1 vitest run test/cli/doctor.test.ts').toBe(
      document,
    );
  });
});

describe('a server and a ledger that are set up well', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ fsync: 'on' });
    await migrateWhole({ url: server.url, zone: 'UTC' });
  });
  afterAll(() => server?.stop());

  it('are well in all that can be asked', async () => {
    const store = await mkdtemp(join(tmpdir(), 'test-doctor-sound-'));
    onTestFinished(() => rm(store, { recursive: true }));
    const env = { QM_DATABASE_URL: server.url, QM_STORE: pathToFileURL(store).href };
    // Two things a set-up has only when somebody is at work there.
    await run(
      server.url,
      `
      INSERT INTO pgboss.instance (id, host, pid, version, node_version, application_name, heartbeat_seconds,
                                   supervise, schedule, migrate, persist_queue_stats, persist_warnings)
      VALUES (gen_random_uuid(), 'worker-1', 7, '12.38.0', 'v24.1.0', 'quartermaster worker', 30, true, true, true, true, true);
      INSERT INTO quartermaster.api_keys (id, name, secret_sha256, roles) VALUES ('aaaaaaaaaaaa', 'desk', sha256('x'), '{reader}')`,
    );
    const before = await findingsOf({ env });
    expect(before.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)).toEqual([
      'horizon',
      'quarters',
    ]);
    // Looking changes nothing; mending does.
    expect((await findingsOf({ env })).filter(({ outcome }) => outcome === 'failed')).toHaveLength(2);
    const mended = await doctor(env, '--fix', '--json');
    expect(mended.code).toBe(0);
    const findings = JSON.parse(mended.out) as Finding[];
    expect(Value.Check(doctorSchema, findings)).toBe(true);
    const odd = findings.filter(({ outcome }) => outcome !== 'ok');
    expect(odd.filter(({ outcome }) => outcome !== 'skipped')).toEqual([]);
    expect(odd.map(({ name }) => name)).toEqual([
      ...[
        'database-space',
        'replica-answers',
        'replica-follows',
        'replica-lag',
        'replica-cancels',
        'store-clock',
      ],
    ]);
  });
});

describe('the command', () => {
  it('answers one question alone, and says which there are', async () => {
    const { env } = await soundHouse();
    const { code, out } = await doctor(env, '--only', 'clocks', 'grants', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual([
      expect.objectContaining({ name: 'grants', outcome: 'ok' }),
      expect.objectContaining({ name: 'clocks', outcome: 'ok' }),
    ]);
    const unknown = await doctor(env, '--only', 'clock');
    expect(unknown).toMatchObject({ code: 65, err: expect.stringMatching(/no check clock.*clocks/s) });
    expect(await doctor(env, '--as', 'nobody')).toMatchObject({ code: 64 });
  });

  it('ends well with warnings, and not with --strict', async () => {
    const { env } = await soundHouse();
    const warned = { ...env, QM_PREMAKE_QUARTERS: '1' };
    expect(await doctor(warned, '--only', 'settings-fit')).toMatchObject({ code: 0 });
    expect(await doctor(warned, '--only', 'settings-fit', '--strict')).toMatchObject({
      code: 78,
      err: expect.stringContaining('[unhealthy]'),
    });
  });

  it('tells people under headings, the explaining fault first, and where to begin', async () => {
    const { code, out } = await doctor({ QM_DATABASE_URL: 'postgres://app:hush@127.0.0.1:1/none' });
    expect(code).toBe(78);
    expect(out).toMatch(/^Settings\nok {7}the settings can be read\n/);
    expect(out).toMatch(/FAILED {3}the database answers {2}\(database-answers\)\n {9}Nobody listens/);
    expect(out).toMatch(
      /\nskipped {2}`database-answers` has failed\. Not asked: queue-installed, worker-seen/,
    );
    expect(out).toMatch(/1 failed.*\nBegin with database-answers\.\n$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(out).not.toMatch(/\x1b|hush/);
  });

  it('marks what matters on a terminal, and lets nobody else do it', () => {
    const out = Object.assign(new PassThrough(), {
      isTTY: true,
      getColorDepth: () => 8,
      hasColors: () => true,
    });
    const finding: Finding = {
      ...{ name: 'grants', group: 'Rights', check: 'each role may do what it has to' },
      ...{ outcome: 'failed', found: 'A role is called \u001b[2Jevil.', means: 'So.', advice: 'Do.' },
    };
    const teller = createTeller({ out, err: new PassThrough(), json: false });
    teller.tell(finding);
    teller.end([finding]);
    const text = String(out.read());
    expect(text).toMatch(/\[31m.*FAILED/);
    expect(text).toContain('\\u001b[2Jevil');
  });
});
