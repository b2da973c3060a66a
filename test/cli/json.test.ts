import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { schemasOf } from '../../src/cli/schema.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { words } from '../support/runbook.ts';
import { commandsOf, commandTree, serving } from './tree.ts';

const schemas = schemasOf(commandTree());
const seen = new Set<string>();
const NOW = new Date('2026-08-01T12:00:00Z');

let home: TestDatabase;
let directory: string;

beforeAll(async () => {
  home = await createDatabase();
  directory = await mkdtemp(join(tmpdir(), 'test-cli-json-'));
  await writeFile(
    join(directory, 'index.sql'),
    'CREATE INDEX ledgers_at_idx ON ledger.ledgers (created_at);',
  );
  await writeFile(
    join(directory, 'rows.csv'),
    'created_at,debit_account,credit_account,amount,currency\n2026-07-31T10:00:00Z,treasury:BANK,a:WALLET,1.00,EUR\n',
  );
});

afterAll(async () => {
  await home.drop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs a command with `--json`; DIR is the directory of this test. */
async function run(
  call: string,
  environment: Record<string, string> = {},
  signal?: AbortSignal,
  onOutput?: () => void,
) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  if (onOutput) out.once('readable', onOutput);
  const entry = createEntry({
    version: '1.2.3',
    clock: fixedClock(NOW),
    signal: signal ?? new AbortController().signal,
  });
  const store = pathToFileURL(join(directory, 'store')).href;
  const env = { QM_DATABASE_URL: home.url, QM_STORE: store, ...environment };
  const own = { readConfig: () => readConfig(env), createLogger: () => createLogger('silent') };
  const kit = { entry: { ...entry, ...own }, out, err };
  const code = await runCommandLine(kit, [...words(call.replaceAll('DIR', directory)), '--json']);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

/** What is wrong with a document, members that nobody has described included. */
function faultsOf(schema: TSchema, value: unknown): string[] {
  const faults = [...Value.Errors(schema, value)].map(
    ({ instancePath, message }) => `${instancePath} ${message}`,
  );
  return faults.length > 0 ? faults : undescribed(schema as Shape, value, '');
}

interface Shape {
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
}

function undescribed(shape: Shape, value: unknown, path: string): string[] {
  if (shape.anyOf !== undefined) {
    const fitting = shape.anyOf.filter((one) => Value.Check(one as TSchema, value));
    const each = fitting.map((one) => undescribed(one, value, path));
    return each.find((faults) => faults.length === 0) ?? each[0] ?? [`${path} fits nothing`];
  }
  if (Array.isArray(value)) {
    const { items } = shape;
    return items === undefined ? [] : value.flatMap((one, at) => undescribed(items, one, `${path}/${at}`));
  }
  if (typeof value !== 'object' || value === null || shape.properties === undefined) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const own = shape.properties?.[name];
    return own === undefined
      ? [`${path}/${name} is not described`]
      : undescribed(own, member, `${path}/${name}`);
  });
}

async function expectDescribed(
  call: string,
  path: string,
  options: { code?: number; env?: Record<string, string> } = {},
): Promise<unknown> {
  const { code, out, err } = await run(call, options.env);
  expect({ call, code, err: code === 0 ? '' : err }).toMatchObject({ code: options.code ?? 0 });
  if (code !== 0) expect(faultsOf(schemas.get('error') as TSchema, JSON.parse(err))).toEqual([]);
  expect(out.trimEnd().split('\n')).toHaveLength(1);
  const value = JSON.parse(out) as unknown;
  expect({ call, faults: faultsOf(schemas.get(path) as TSchema, value) }).toEqual({ call, faults: [] });
  seen.add(path);
  return value;
}

describe('what is printed with --json is as its schema says', () => {
  it.each([
    ['migrate up', 'migrate up'],
    ['migrate status', 'migrate status'],
    ['demo --exit --share 1', 'demo'],
    ['load DIR/rows.csv --ledger shop --create-ledger --create-accounts --allow-negative BANK', 'load'],
    ['load DIR/rows.csv --ledger shop --create-ledger --create-accounts --allow-negative BANK', 'load'],
    ['quarters list', 'quarters list'],
    ['quarters list --quarters 2024q1..2025q2 --state detached closed', 'quarters list'],
    ['quarters show 2024q1', 'quarters show'],
    ['quarters show --quarters 2024q1..2024q2', 'quarters show'],
    ['quarters trial-balance 2024q1', 'quarters trial-balance'],
    ['quarters trial-balance --quarters 2024q1..2024q2', 'quarters trial-balance'],
    ['quarters create 2028q1', 'quarters create'],
    ['quarters reopen 2026q2 --reason late', 'quarters reopen'],
    ['quarters close 2026q2 --dry-run', 'quarters close'],
    ['quarters close 2026q2', 'quarters close'],
    ['quarters archive 2024q4', 'quarters archive'],
    ['quarters verify 2024q4', 'quarters verify'],
    ['quarters detach 2024q4', 'quarters detach'],
    ['quarters hold 2024q4 --reason audit', 'quarters hold'],
    ['quarters show 2024q4', 'quarters show'],
    ['quarters unhold 2024q4', 'quarters unhold'],
    ['quarters drop 2024q4 --reason old --yes', 'quarters drop'],
    ['quarters restore 2024q4 --reason audit --until "in 14 days"', 'quarters restore'],
    ['quarters restore 2024q2 --reason audit --into audit', 'quarters restore'],
    ['quarters list', 'quarters list'],
    ['quarters show 2024q2', 'quarters show'],
    ['quarters release 2024q4', 'quarters release'],
    ['quarters release 2024q2 --into audit --yes', 'quarters release'],
    ['archive verify DIR/store/ledger/2024q4', 'archive verify'],
    ['archive verify DIR/store/ledger', 'archive verify'],
    ['archive verify DIR/store/ledger --quarters 2024q2..', 'archive verify'],
    ['events --limit 5', 'events'],
    ['events --quarter 2024q4', 'events'],
    ['query "SELECT 1 AS one, NULL AS nothing"', 'query'],
    ['query "SELECT count(*) AS n FROM transactions" --quarters ..2024q4', 'query'],
    ['reports list', 'reports list'],
    ['summaries show', 'summaries show'],
    ['summaries reconcile --days 2', 'summaries reconcile'],
    ['run refresh-summaries', 'run'],
    ['reconcile --dry-run', 'reconcile'],
    ['reconcile', 'reconcile'],
    ['indexes build DIR/index.sql --dry-run', 'indexes build'],
    ['indexes build DIR/index.sql', 'indexes build'],
    ['indexes audit', 'indexes audit'],
    ['indexes audit --apply', 'indexes audit'],
    ['keys create --name a --role reader --ledger northwind --expires "end of year"', 'keys create'],
    ['keys create --name b --role admin', 'keys create'],
    ['keys list', 'keys list'],
    ['completion bash', 'completion'],
  ])('%s', async (call, path) => {
    await expectDescribed(call, path);
  });

  it('of an archive that two people want', async () => {
    const env = { QM_ARCHIVE_APPROVAL: 'required' };
    const asked = await run('quarters archive 2025q1', env);
    expect(JSON.parse(asked.err)).toMatchObject({ error: { code: 'approval_required' } });
    await expectDescribed('quarters list', 'quarters list', { env });
    await expectDescribed('quarters show 2025q1', 'quarters show', { env });
    const database = openDatabase({ databaseUrl: home.url, poolMax: 1 });
    await database.write.updateTable('quartermaster.approvals').set({ requested_by: 'ada' }).execute();
    await database.close();
    await expectDescribed('quarters approve 2025q1', 'quarters approve', { env });
    await expectDescribed('quarters show 2025q1', 'quarters show', { env });
  });

  it('of keys, of roles and of the doctor', async () => {
    const [key] = (await expectDescribed('keys list', 'keys list')) as { id: string }[];
    await expectDescribed(`keys revoke ${key?.id} --yes`, 'keys revoke');
    await expectDescribed('keys list', 'keys list');
    await expectDescribed('reports grant pg_monitor', 'reports grant');
    await expectDescribed('reports revoke pg_monitor', 'reports revoke');
    // The server of the tests is fast instead of safe, which the doctor sees.
    const { code } = await run('doctor');
    await expectDescribed('doctor', 'doctor', { code });
  });

  it('of a watch: a line for each thing, until it is asked to stop', async () => {
    const stop = new AbortController();
    // The first look has told of every quarter.
    const { code, out } = await run('quarters watch 2024q1.. --interval 0.2', {}, stop.signal, () =>
      stop.abort(),
    );
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(10);
    const schema = schemas.get('quarters watch') as TSchema;
    for (const line of lines) expect(faultsOf(schema, JSON.parse(line))).toEqual([]);
    seen.add('quarters watch');
  });

  it('of a schema, which is one itself', async () => {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const kit = {
      entry: createEntry({ version: '1', clock: fixedClock(NOW), signal: new AbortController().signal }),
      out,
      err,
    };
    expect(await runCommandLine(kit, ['schema', 'quarters', 'list'])).toBe(0);
    expect(JSON.parse(String(out.read()))).toEqual(JSON.parse(JSON.stringify(schemas.get('quarters list'))));
    expect(await runCommandLine(kit, ['schema'])).toBe(0);
    expect(Object.keys(JSON.parse(String(out.read())))).toEqual([...schemas.keys()]);
    expect(await runCommandLine(kit, ['schema', 'error'])).toBe(0);
    out.read();
    expect(await runCommandLine(kit, ['schema', 'quarters'])).toBe(65);
    expect(String(err.read())).toContain('quarters list, quarters show');
    seen.add('schema');
  });

  it('of a step back, which is the last thing to do', async () => {
    await expectDescribed('migrate down --yes', 'migrate down');
  });

  it('of every command, none left out', () => {
    const all = commandsOf(commandTree()).filter(
      ([path, { commands }]) => path !== '' && commands.length === 0,
    );
    const silent = all.map(([path]) => path).filter((path) => !seen.has(path) && !serving.includes(path));
    expect(silent).toEqual([]);
  });
});

describe('a description', () => {
  it('is missed where a member has none, and where it is another than it says', () => {
    const schema = schemas.get('keys revoke') as TSchema;
    const right = { id: 'a', revokedAt: '2026-01-01T00:00:00.000Z' };
    expect(faultsOf(schema, right)).toEqual([]);
    expect(faultsOf(schema, { ...right, more: 1 })).toEqual(['/more is not described']);
    expect(faultsOf(schema, { id: 'a' })).not.toEqual([]);
    expect(faultsOf(schema, { ...right, revokedAt: 'yesterday' })).not.toEqual([]);
  });
});
