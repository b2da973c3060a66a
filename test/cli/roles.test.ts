import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openDatabase } from '../../src/db/database.ts';
import type { RoleKey } from '../../src/db/grants.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let home: TestDatabase;
let directory: string;

beforeAll(async () => {
  home = await createDatabase({ roles: true });
  directory = await mkdtemp(join(tmpdir(), 'test-cli-roles-'));
});
afterAll(async () => {
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs a command with `--json` as one of the roles. */
async function run(role: RoleKey, words: string[], more: Record<string, string> = {}) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const entry = createEntry({ version: '1.2.3', clock: systemClock, signal: new AbortController().signal });
  const env = { QM_DATABASE_URL: home.as(role), QM_STORE: pathToFileURL(directory).href, ...more };
  const kit = {
    entry: { ...entry, readConfig: () => readConfig(env), createLogger: () => createLogger('silent') },
    out,
    err,
  };
  const code = await runCommandLine(kit, [...words, '--json']);
  const text = String(out.read() ?? '');
  return { code, report: text === '' ? undefined : JSON.parse(text), err: String(err.read() ?? '') };
}

async function findings(
  role: RoleKey,
  more?: Record<string, string>,
): Promise<Map<string, { outcome: string; found?: string; advice?: string }>> {
  const { report } = await run(role, ['doctor'], more);
  return new Map(report.map((one: { check: string }) => [one.check, one]));
}

async function asAdmin(text: string): Promise<void> {
  const admin = openDatabase({ databaseUrl: home.adminUrl, poolMax: 1 });
  await sql
    .raw(text)
    .execute(admin.write)
    .finally(() => admin.close());
}

const rights = 'each role may do what it has to, and no more';
const encrypted = 'connections beyond this machine are encrypted, to servers that are known';

it('commands are given as the roles that docs/roles.md names', async () => {
  for (const [role, words] of [
    ['owner', 'migrate up'],
    ['owner', 'migrate status'],
    ['owner', 'keys create --name auditor --role reader'],
    ['owner', 'keys list'],
    ['owner', 'reports list'],
    ['worker', 'reconcile --fix'],
    ['worker', 'quarters list'],
    ['worker', 'indexes audit'],
    ['worker', 'run quarter-tick'],
    ['reader', 'reports list'],
  ] as const) {
    expect({ words, ...(await run(role, words.split(' '))) }).toMatchObject({ words, code: 0 });
  }
  const asked = await run('reader', ['query', 'SELECT count(*) AS n FROM ledger.balances']);
  expect(asked).toMatchObject({ code: 0 });
  expect(await run('worker', ['keys', 'list'])).toMatchObject({
    code: 78,
    err: expect.stringContaining('insufficient_privilege'),
  });
  expect(await run('api', ['quarters', 'create', '2020q1'])).toMatchObject({
    err: expect.stringContaining('insufficient_privilege'),
  });
});

it('the doctor finds rights that are missing or too many, and migrate up mends them', async () => {
  expect((await findings('worker')).get(rights)).toMatchObject({ outcome: 'ok' });
  await asAdmin(`
    GRANT DELETE ON ledger.balances TO quartermaster_api;
    REVOKE INSERT ON quartermaster.quarter_events FROM quartermaster_worker`);
  for (const role of ['worker', 'owner', 'api'] as const) {
    const { outcome, found } = (await findings(role)).get(rights) ?? {};
    expect(outcome).toBe('failed');
    expect(found).toContain('REVOKE DELETE ON TABLE ledger.balances FROM "quartermaster_api"');
    expect(found).toContain('GRANT INSERT ON TABLE quartermaster.quarter_events TO "quartermaster_worker"');
  }
  const { report } = await run('owner', ['migrate', 'up']);
  expect(report.granted).toHaveLength(2);
  expect((await run('owner', ['migrate', 'up'])).report.granted).toBeUndefined();
  expect((await findings('worker')).get(rights)).toMatchObject({ outcome: 'ok' });
});

it('the doctor finds code that the worker planted, and migrate up does not run it', async () => {
  const clean = 'the tables run no code but ours';
  expect((await findings('worker')).get(clean)).toMatchObject({ outcome: 'ok' });
  await asAdmin(`
    SET ROLE quartermaster_worker;
    CREATE FUNCTION ledger.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER spy BEFORE UPDATE ON ledger.balances FOR EACH ROW EXECUTE FUNCTION ledger.spy()`);
  for (const role of ['worker', 'owner', 'api'] as const) {
    const { outcome, found } = (await findings(role)).get(clean) ?? {};
    expect(outcome).toBe('failed');
    expect(found).toContain('trigger spy on table ledger.balances calls function ledger.spy()');
  }
  const refused = { code: 78, err: expect.stringContaining('foreign_code') };
  expect(await run('owner', ['migrate', 'up'])).toMatchObject(refused);
  expect(await run('owner', ['migrate', 'down', '--yes'])).toMatchObject(refused);
  await asAdmin('DROP FUNCTION ledger.spy() CASCADE');
  expect(await run('owner', ['migrate', 'up'])).toMatchObject({ code: 0 });
});

it('the doctor tells of a way to a database that others could read along', async () => {
  expect((await findings('worker')).get(encrypted)).toMatchObject({ outcome: 'ok' });
  // An address of documentation, where nobody answers.
  const replica = 'postgres://a:b@192.0.2.1/ledger';
  const plain = (await findings('worker', { QM_REPLICA_URL: replica })).get(encrypted);
  expect(plain).toMatchObject({
    outcome: 'failed',
    found: 'QM_REPLICA_URL leads to 192.0.2.1 without TLS.',
    advice: expect.stringContaining('Add sslmode=verify-full'),
  });
  const lax = (await findings('worker', { QM_REPLICA_URL: `${replica}?sslmode=no-verify` })).get(encrypted);
  expect(lax).toMatchObject({ outcome: 'failed', found: expect.stringContaining('nobody looks at') });
  const good = (await findings('worker', { QM_REPLICA_URL: `${replica}?sslmode=verify-full` })).get(
    encrypted,
  );
  expect(good).toMatchObject({ outcome: 'ok' });
});
