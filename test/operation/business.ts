import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, vi } from 'vitest';
import { nextName } from '../../src/core/quarter.ts';
import type { Operation } from './scraped.ts';

const run = promisify(execFile);
const path = '/v1/ledgers/main';

/** Everyday business of a ledger, and how much of it was done so far. */
export interface Business {
  readonly done: {
    booked: number;
    refused: number;
    /** Asked for again with the same key. */
    repeated: number;
    /** Rows of a file. */
    loaded: number;
  };
  /** Payments, one of them refused and one repeated, and reads of every kind. */
  goOn(): Promise<void>;
}

/** Makes a ledger with accounts, and does a day's business, a load of an old quarter, and its close and archive. */
export async function startBusiness(operation: Operation, current: string): Promise<Business> {
  const { ask } = operation;
  const done = { booked: 0, refused: 0, repeated: 0, loaded: 0 };
  let keys = 0;

  async function good(...request: Parameters<Operation['ask']>): Promise<void> {
    const { status, body } = await ask(...request);
    expect([200, 201], `${request[0]} ${request[1]}: ${JSON.stringify(body)}`).toContain(status);
  }

  async function pay(from: string, amount: string, key = `payment-${keys++}`) {
    const postings = [{ from, to: 'ada:WALLET', amount, currency: 'EUR' }];
    const answer = await ask('POST', `${path}/transactions`, { postings }, { 'idempotency-key': key });
    if (answer.headers.get('idempotency-replayed') === 'true') done.repeated++;
    else if (answer.status === 201) done.booked++;
    else if (answer.body.code === 'insufficient_funds') done.refused++;
    return answer;
  }

  async function goOn(): Promise<void> {
    const before = { ...done };
    const key = `repeated-${keys++}`;
    await pay('bank:BANK', '1', key);
    await Promise.all(Array.from({ length: 20 }, () => pay('bank:BANK', '1')));
    await pay('bank:BANK', '1', key);
    await pay('bob:WALLET', '999');
    const { booked, refused, repeated } = before;
    expect(done).toMatchObject({ booked: booked + 21, refused: refused + 1, repeated: repeated + 1 });
    const span = 'from=2026-01-01&to=2100-01-01';
    for (const read of [
      'transactions',
      'accounts/ada:WALLET/balance',
      `accounts/ada:WALLET/statement?${span}`,
    ])
      await good('GET', `${path}/${read}`);
    // The first page may come from the replica, the next one must not be older.
    const { body: page } = await ask('GET', `${path}/transactions?limit=1`);
    await good('GET', `${path}/transactions?limit=1&cursor=${page.next_cursor}`);
  }

  await good('POST', '/v1/ledgers', { name: 'main' });
  await good('POST', `${path}/accounts`, { account: 'bank:BANK', currency: 'EUR', min_balance: null });
  for (const account of ['ada:WALLET', 'bob:WALLET'])
    await good('POST', `${path}/accounts`, { account, currency: 'EUR' });
  // A worker creates the quarters when it starts; until then there is nowhere to book to.
  await until(async () => expect((await pay('bank:BANK', '5')).status).toBe(201));
  await goOn();

  const old = nextName(current, -2);
  done.loaded = await loadOld(operation, old);
  await archive(operation, old);
  // What is done by night or on Sundays leaves its findings in the database, for any worker to tell.
  const { cli, environment } = operation;
  for (const job of ['check-ledger', 'audit-indexes'])
    await run(process.execPath, [cli, 'run', job], { env: { PATH: process.env.PATH, ...environment } });
  return { done, goOn };
}

async function loadOld({ api, token }: Operation, quarter: string): Promise<number> {
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
  return rows.length;
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
