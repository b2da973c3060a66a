import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, vi } from 'vitest';
import { nextName } from '../../src/core/quarter.ts';
import { root } from './boards.ts';
import type { Operation } from './scraped.ts';

const run = promisify(execFile);
const path = '/v1/ledgers/main';
let payments = 0;

/** Asks, and expects that it is done. */
async function good({ ask }: Operation, ...request: Parameters<Operation['ask']>): Promise<void> {
  const { status, body } = await ask(...request);
  expect([200, 201], `${request[0]} ${request[1]}: ${JSON.stringify(body)}`).toContain(status);
}

function pay({ ask }: Operation, from: string, amount: string, key = `payment-${payments++}`) {
  const postings = [{ from, to: 'ada:WALLET', amount, currency: 'EUR' }];
  return ask('POST', `${path}/transactions`, { postings }, { 'idempotency-key': key });
}

/** Payments, one of them refused and one repeated, and reads of every kind. */
export async function everydayBusiness(operation: Operation): Promise<void> {
  const key = `repeated-${payments++}`;
  expect((await pay(operation, 'bank:BANK', '1', key)).status).toBe(201);
  const answers = await Promise.all(Array.from({ length: 20 }, () => pay(operation, 'bank:BANK', '1')));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  expect((await pay(operation, 'bank:BANK', '1', key)).headers.get('idempotency-replayed')).toBe('true');
  expect((await pay(operation, 'bob:WALLET', '999')).body.code).toBe('insufficient_funds');
  const span = 'from=2026-01-01&to=2100-01-01';
  for (const read of ['transactions', 'accounts/ada:WALLET/balance', `accounts/ada:WALLET/statement?${span}`])
    await good(operation, 'GET', `${path}/${read}`);
  // The first page may come from the replica, the next one must not be older.
  const { body: page } = await operation.ask('GET', `${path}/transactions?limit=1`);
  await good(operation, 'GET', `${path}/transactions?limit=1&cursor=${page.next_cursor}`);
}

/** A ledger with accounts, a day's payments, a load of an old quarter, and its close and archive. */
export async function doBusiness(operation: Operation, current: string): Promise<void> {
  await good(operation, 'POST', '/v1/ledgers', { name: 'main' });
  const bank = { account: 'bank:BANK', currency: 'EUR', min_balance: null };
  await good(operation, 'POST', `${path}/accounts`, bank);
  for (const account of ['ada:WALLET', 'bob:WALLET'])
    await good(operation, 'POST', `${path}/accounts`, { account, currency: 'EUR' });
  // A worker creates the quarters when it starts; until then there is nowhere to book to.
  await until(async () => expect((await pay(operation, 'bank:BANK', '5')).status).toBe(201));
  await everydayBusiness(operation);

  const old = nextName(current, -2);
  await loadOld(operation, old);
  await archive(operation, old);
  // What is done by night or on Sundays leaves its findings in the database, for any worker to tell.
  const { cli, environment } = operation;
  for (const job of ['check-ledger', 'audit-indexes'].filter((name) =>
    existsSync(join(root, 'jobs', `${name}.ts`)),
  ))
    await run(process.execPath, [cli, 'run', job], { env: { PATH: process.env.PATH, ...environment } });
}

async function loadOld({ api, token }: Operation, quarter: string): Promise<void> {
  const month = String(Number(quarter.slice(-1)) * 3 - 1).padStart(2, '0');
  const rows = Array.from({ length: 30 }, (_, n) => ({
    created_at: `${quarter.slice(0, 4)}-${month}-10T12:00:${10 + n}Z`,
    debit_account: 'old:BANK',
    credit_account: `user-${n % 7}:WALLET`,
    amount: String(100 + n),
    currency: 'EUR',
  }));
  const query = 'id=old&amounts=minor&create_accounts=true&allow_negative=BANK';
  const response = await fetch(`${api.url}${path}/loads?${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    body: rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
  });
  expect(response.status, await response.text()).toBe(200);
}

/** Closes and archives, asked for at the API and done by the worker. */
async function archive({ ask }: Operation, quarter: string): Promise<void> {
  for (const [verb, state] of [
    ['close', 'closed'],
    ['archive', 'archived'],
  ]) {
    // Days that are not summed up yet stand in the way of a close, until the worker has been there.
    await until(async () => {
      const { status, body } = await ask('POST', `/v1/quarters/${quarter}/${verb}`, { reason: 'it is over' });
      expect([200, 202], JSON.stringify(body)).toContain(status);
    });
    await until(async () => expect((await ask('GET', `/v1/quarters/${quarter}`)).body.state).toBe(state));
  }
}

/** As expect.poll, which works in tests alone and not in hooks. */
async function until(holds: () => Promise<void>): Promise<void> {
  await vi.waitFor(holds, { timeout: 60_000, interval: 250 });
}
