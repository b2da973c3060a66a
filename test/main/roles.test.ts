import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { calendar as calendarOf, nextName } from '../../src/core/quarter.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { plannedGrants } from '../../src/db/grants-apply.ts';
import { createKey } from '../../src/ledger/keys.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { brokenRules } from '../ledger/fixture.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type ApiProcess, call, startApi } from './api-process.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

let home: TestDatabase;
let owner: Database;
let directory: string;
let api: ApiProcess;
let worker: WorkerProcess;
let token: string;
let second: string;
let environment: Record<string, string>;

const calendar = calendarOf('UTC');
const now = calendar.quarterOf(systemClock.now()).name;
const [older, old] = [nextName(now, -3), nextName(now, -2)];

beforeAll(async () => {
  home = await createDatabase({ roles: true });
  owner = openDatabase({ databaseUrl: home.url, poolMax: 2 });
  directory = await mkdtemp(join(tmpdir(), 'test-roles-'));
  environment = {
    QM_STORE: pathToFileURL(join(directory, 'store')).href,
    QM_CACHE_DIR: join(directory, 'cache'),
    QM_ARCHIVE_APPROVAL: 'required',
    QM_OLDEST_DATE: calendar.quarter(older).start.toISOString().slice(0, 10),
  };
  ({ token } = await createKey(owner.write, { name: 'ada', roles: ['admin'], ledgers: null }));
  second = (await createKey(owner.write, { name: 'bob', roles: ['finance'], ledgers: null })).token;
  [api, worker] = await Promise.all([
    startApi({ ...environment, QM_DATABASE_URL: home.as('api') }),
    startWorker(
      { QM_LOG_LEVEL: 'warn', ...environment, QM_DATABASE_URL: home.as('worker') },
      { untilTestEnds: false },
    ),
  ]);
}, 120_000);

afterAll(async () => {
  for (const one of [api, worker]) one?.child.kill('SIGTERM');
  await Promise.all([api?.ended, worker?.ended]);
  await owner?.close();
  await home?.drop();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

const asked = new Set<string>();

function ask(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
  asked.add(`${method} ${path.split('?')[0]}`);
  return call(api.url, token, method, path, body, headers);
}

async function ok(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
  const answer = await ask(method, path, body, headers);
  expect({ path, ...answer }).toMatchObject({ status: expect.toSatisfy((status) => status < 300) });
  return answer.body;
}

/** Asks for a verb, and follows its job where it is a worker's. */
async function verb(quarter: string, name: string, body: object = {}) {
  const answer = await ask('POST', `/v1/quarters/${quarter}/${name}`, body);
  expect({ name, ...answer }).toMatchObject({
    status: expect.toSatisfy((status) => [200, 202].includes(status)),
  });
  if (answer.status === 200) return answer.body;
  return finished(answer.headers.get('location') ?? '');
}

async function finished(location: string) {
  const ended = async () => ['done', 'failed'].includes((await ok('GET', location)).state);
  await expect.poll(ended, { timeout: 100_000 }).toBe(true);
  const job = await ok('GET', location);
  expect(job).toMatchObject({ state: 'done' });
  return job;
}

/** What takes two: one asks, another one approves, and a worker goes on. */
async function twoPeople(quarter: string, name: string, body: object): Promise<void> {
  const refused = await ask('POST', `/v1/quarters/${quarter}/${name}`, body);
  expect(refused.body).toMatchObject({ code: 'approval_required' });
  const approve = `/v1/quarters/${quarter}/approve`;
  asked.add(`POST ${approve}`);
  const { body: approved } = await call(api.url, second, 'POST', approve);
  for (const id of approved.report.jobs) await finished(`/v1/jobs/${id}`);
}

async function fetchText(of: string): Promise<string> {
  asked.add(`GET ${of}`);
  return (await fetch(`${api.url}${of}`, { headers: { authorization: `Bearer ${token}` } })).text();
}

const path = '/v1/ledgers/main';

it('an API does all it is asked for as a role that defines nothing', { timeout: 120_000 }, async () => {
  await ok('POST', '/v1/ledgers', { name: 'main' });
  const phone = { country_code: '+33', phone_number: '612345678' };
  await ok('POST', `${path}/accounts/batch`, {
    accounts: [
      { account: 'bank:BANK', currency: 'EUR', min_balance: null },
      { account: 'ann:WALLET', currency: 'EUR', phones: [phone] },
    ],
  });
  await ok('POST', `${path}/accounts`, { account: 'bob:WALLET', currency: 'EUR' });
  const ann = { account: 'ann:WALLET', currency: 'EUR', name: 'Ann', min_balance: '-50' };
  for (const change of [{ phones: [] }, { phones: [phone], status: 'BLOCKED' }, { status: 'ACTIVE' }]) {
    const { results } = await ok('POST', `${path}/accounts/batch`, { accounts: [{ ...ann, ...change }] });
    expect(results).toMatchObject([{ status: 'updated' }]);
  }
  const pay = (from: string, to: string, more: object = {}) => ({
    postings: [{ from, to, amount: '10', currency: 'EUR' }],
    user_id: 'ann',
    ...more,
  });
  // Nobody has created a quarter until the worker did.
  await expect
    .poll(async () => (await ask('POST', `${path}/transactions`, pay('bank:BANK', 'ann:WALLET'))).status, {
      timeout: 60_000,
    })
    .toBe(201);
  const keyed = { 'idempotency-key': 'one' };
  const first = await ok('POST', `${path}/transactions`, pay('bank:BANK', 'ann:WALLET'), keyed);
  expect(await ok('POST', `${path}/transactions`, pay('bank:BANK', 'ann:WALLET'), keyed)).toEqual(first);
  await ok('POST', `${path}/transactions/batch`, { transactions: [pay('ann:WALLET', 'bob:WALLET')] });
  for (const end of ['settle', 'void']) {
    const held = await ok(
      'POST',
      `${path}/transactions`,
      pay('bank:BANK', 'bob:WALLET', { status: 'PENDING' }),
    );
    await ok('POST', `${path}/transactions/${held.id}/${end}`);
  }
  await ok('POST', `${path}/transactions/${first.id}/reverse`);

  const day = systemClock.now().toISOString().slice(0, 10);
  for (const read of [
    '/v1/ledgers',
    '/v1/quarters',
    '/v1/summaries',
    '/v1/jobs',
    `/v1/quarters/${now}`,
    `${path}/accounts?entity_id=ann`,
    `${path}/accounts/ann:WALLET`,
    `${path}/accounts/ann:WALLET/balance`,
    `${path}/accounts/ann:WALLET/balance?at=2024-01-01`,
    `${path}/accounts/ann:WALLET/statement?from=2020-01-01`,
    `${path}/transactions?include_total=true`,
    `${path}/transactions?user_id=ann&status=FAILED`,
    `${path}/transactions/${first.id}`,
    `${path}/summaries/daily?from=${day}&to=${day}&group_by=day`,
    `${path}/summaries/groups?from=${day}&to=${day}`,
    '/healthz',
    '/readyz',
  ]) {
    await ok('GET', read);
  }
  expect(await brokenRules(owner.write)).toEqual([]);
});

it('a load through it has its quarters made by the worker, and waits for them', {
  timeout: 120_000,
}, async () => {
  const days = [older, old].map((quarter) => calendar.quarter(quarter).start.toISOString().slice(0, 10));
  const rows = days.map((day) => `${day}T10:00:00Z,rich:BANK,carl:WALLET,5.00,EUR`);
  asked.add(`POST ${path}/loads`);
  const answer = await fetch(`${api.url}${path}/loads?id=old&create_accounts=true&allow_negative=BANK`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
    body: `created_at,debit_account,credit_account,amount,currency\n${rows.join('\n')}\n`,
  });
  expect([answer.status, await answer.json()]).toMatchObject([200, { booked: 2 }]);
  expect(await ok('GET', `${path}/loads/old`)).toMatchObject({ state: 'done' });
  const { rows: owners } = await sql`
    SELECT DISTINCT pg_get_userbyid(relowner)::text AS owner FROM pg_class
    WHERE relname ~ '^(transactions|entries)_\\d{4}q\\d$'`.execute(owner.write);
  expect(owners).toEqual([{ owner: 'quartermaster_worker' }]);
  expect(await plannedGrants(owner.direct)).toEqual({ divided: true, did: [] });
});

it('a quarter goes through its whole life, asked for through the one and done by the other', {
  timeout: 240_000,
}, async () => {
  const reason = 'an audit';
  await verb(older, 'close');
  await verb(older, 'reopen', { reason });
  expect((await ok('GET', `/v1/quarters/${older}`)).state).toBe('open');
  await verb(older, 'close');
  await verb(older, 'hold', { reason });
  await verb(older, 'unhold');
  await twoPeople(older, 'archive', {});
  await verb(older, 'verify');
  await verb(older, 'detach');
  expect(await ok('GET', `/v1/quarters/${older}/transactions?ledger=main`)).toMatchObject({
    transactions: [{ amount: '500' }],
  });
  await verb(older, 'restore', { reason });
  await verb(older, 'release');
  await verb(older, 'restore', { reason, into: 'audit' });
  await verb(older, 'release', { into: 'audit' });
  await twoPeople(older, 'drop', { reason, confirm: older });
  await verb(older, 'restore', { reason });
  expect((await ok('GET', `/v1/quarters/${older}`)).state).toBe('restored');
  expect(await ok('GET', `/v1/quarters/${older}/trial-balance`)).toBeDefined();
  expect((await fetchText(`/v1/quarters/${older}/trial-balance.csv`)).split('\n')[0]).toContain('account');
  await verb(nextName(now, 9), 'create');
  expect(JSON.stringify(worker.lines)).not.toMatch(/permission|privilege|must be owner/);
});

it('tells how the house stands, and lets people in', async () => {
  expect(await ok('GET', '/v1/about')).toMatchObject({ ledgers: ['main'] });
  const operation = await ok('GET', '/v1/operation');
  expect(operation.unknown).toEqual([]);
  const accounts = `/v1/quarters/${older}/trial-balance/accounts?ledger=main`;
  expect((await ok('GET', accounts)).accounts.length).toBeGreaterThan(0);
  await ok('POST', '/v1/queues/analyze-partitions/run');
  // One that is done is refused by its state, and not for want of a right.
  const { jobs } = await ok('GET', '/v1/jobs');
  const retried = await ask('POST', `/v1/jobs/${jobs[0].id}/retry`);
  expect(retried).toMatchObject({ status: expect.toSatisfy((status) => status < 500) });
  expect((await ok('GET', '/v1/events?limit=5')).events.length).toBe(5);

  const signedIn = await ask('POST', '/v1/session', { key: token });
  expect(signedIn.status).toBe(200);
  expect(await ok('GET', '/v1/session')).toMatchObject({ csrf_token: null });
  const cookie = signedIn.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  asked.add('DELETE /v1/session');
  const headers = { cookie, 'x-csrf-token': signedIn.body.csrf_token };
  expect((await fetch(`${api.url}/v1/session`, { method: 'DELETE', headers })).status).toBe(204);
  expect((await fetch(`${api.url}/v1/about`, { headers: { cookie } })).status).toBe(401);
});

it('no route was left out', async () => {
  const { paths } = await ok('GET', '/openapi.json');
  const left = Object.entries<object>(paths).flatMap(([template, methods]) =>
    Object.keys(methods)
      .map((method) => `${method.toUpperCase()} ${template}`)
      .filter((operation) => {
        const pattern = new RegExp(`^${operation.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`);
        return ![...asked].some((one) => pattern.test(one));
      }),
  );
  expect(left).toEqual([]);
});

it('every job does its work as the role of the worker', { timeout: 120_000 }, async () => {
  const config = readConfig({ ...environment, QM_DATABASE_URL: home.as('worker') });
  const signal = new AbortController().signal;
  const entry = createEntry({ version: '0.0.0-test', clock: systemClock, signal });
  const house = await entry.openHouse(config, createLogger('silent'));
  try {
    const verbs = ['create', 'close', 'reopen', 'archive', 'verify', 'detach', 'drop', 'restore', 'release'];
    for (const name of house.jobNames.filter((job) => !verbs.includes(job))) {
      // The worker process may be at the same one.
      const report = await expect
        .poll(() => house.runJob(name, {}, { signal }).catch((error) => error), { timeout: 60_000 })
        .not.toMatchObject({ kind: 'busy' })
        .then(() => house.runJob(name, {}, { signal }).catch((error) => error));
      expect({ name, report }).not.toMatchObject({ report: expect.any(Error) });
      expect(JSON.stringify({ name, report })).not.toMatch(/privilege|permission|must be owner/);
    }
  } finally {
    await house.close();
  }
});
