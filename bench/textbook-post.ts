import type pg from 'pg';
import { parseAddress } from '../src/core/account.ts';
import { AppError, assert } from '../src/core/errors.ts';
import { createIds } from '../src/core/id.ts';
import type { PostResult } from '../src/ledger/post.ts';
import type { PostRequest, TransactionRequest } from '../src/ledger/request.ts';
import type { EntryView } from '../src/ledger/transaction-view.ts';

interface Account {
  readonly id: bigint;
  readonly status: string;
}

interface Balance {
  posted: bigint;
  version: bigint;
  readonly pendingOut: bigint;
  readonly minBalance: bigint | null;
}

/** A request, its accounts two a posting, and the id it will have. */
interface Prepared {
  readonly request: TransactionRequest;
  readonly accounts: readonly Account[];
}

/**
 * Posts the way books and tutorials teach it: one transaction a request, one statement a step. It is meant to be done
 * well: one connection for a request, from a pool; what a request needs is looked up before anything is locked; locks
 * are taken in one order, those of a whole batch before its first row is written, so that no two requests can wait for
 * each other in a circle. The statements are parameterised and unnamed, as ours are, so that both work behind a
 * pooler.
 */
export function createTextbookPoster(
  pool: pg.Pool,
): (ledgerId: number, requests: readonly PostRequest[]) => Promise<PostResult[]> {
  const newId = createIds();
  return async (ledgerId, requests) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const results = await postAll(client, ledgerId, requests, newId);
      await client.query('COMMIT');
      return results;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  };
}

async function postAll(
  client: pg.PoolClient,
  ledgerId: number,
  requests: readonly PostRequest[],
  newId: (createdAt: Date) => string,
): Promise<PostResult[]> {
  const prepared: (Prepared | PostResult)[] = [];
  for (const request of requests) prepared.push(await prepare(client, ledgerId, request));

  const wanted = prepared.flatMap((item) => ('request' in item ? item.accounts.map(({ id }) => id) : []));
  const balances = new Map<bigint, Balance>();
  for (const id of [...new Set(wanted)].sort((a, b) => (a < b ? -1 : 1))) {
    balances.set(id, await lockBalance(client, id));
  }

  const results: PostResult[] = [];
  for (const item of prepared) {
    results.push('request' in item ? await write(client, ledgerId, item, balances, newId) : item);
  }
  return results;
}

async function prepare(
  client: pg.PoolClient,
  ledgerId: number,
  request: PostRequest,
): Promise<Prepared | PostResult> {
  assert('postings' in request && request.status !== 'PENDING', 'the bench posts transactions only');
  if (request.idempotency) {
    const { rows } = await client.query<{ transaction_id: string }>(
      'SELECT fingerprint, transaction_id FROM textbook.idempotency_keys WHERE key = $1',
      [request.idempotency.key],
    );
    if (rows.length > 0) return refused('The key was used before, which the bench never does.');
  }
  const accounts: Account[] = [];
  for (const { from, to, currency } of request.postings) {
    for (const address of [from, to]) {
      const parsed = parseAddress(address);
      const { rows } = await client.query<Account>(
        'SELECT id, status FROM textbook.accounts WHERE ledger_id = $1 AND entity_id = $2 AND group_type = $3 AND currency = $4',
        [ledgerId, parsed?.entityId, parsed?.groupType, currency],
      );
      const [account] = rows;
      if (account === undefined) return refused(`There is no account ${address} in ${currency}.`);
      if (account.status !== 'ACTIVE') return refused(`${address} is ${account.status}.`);
      accounts.push(account);
    }
  }
  return { request, accounts };
}

async function lockBalance(client: pg.PoolClient, id: bigint): Promise<Balance> {
  const { rows } = await client.query<Balance>(
    `SELECT posted, version, pending_out AS "pendingOut", min_balance AS "minBalance"
     FROM textbook.balances WHERE account_id = $1 FOR UPDATE`,
    [id],
  );
  assert(rows[0], 'an account without a balance');
  return rows[0];
}

async function write(
  client: pg.PoolClient,
  ledgerId: number,
  { request, accounts }: Prepared,
  balances: ReadonlyMap<bigint, Balance>,
  newId: (createdAt: Date) => string,
): Promise<PostResult> {
  const createdAt = new Date();
  const id = newId(createdAt);
  const entries: (EntryView & { readonly accountId: bigint })[] = [];
  for (const [index, { from, to, amount, currency }] of request.postings.entries()) {
    const [source, target] = [accounts[2 * index] as Account, accounts[2 * index + 1] as Account];
    const funds = balances.get(source.id) as Balance;
    if (funds.minBalance !== null && funds.posted - funds.pendingOut - amount < funds.minBalance) {
      // The bench posts one posting at a time, so nothing was written for this request yet.
      return refused(`${from} has not enough for ${amount}.`);
    }
    entries.push(await move(client, source.id, funds, -amount, createdAt, { account: from, currency }));
    const target_ = balances.get(target.id) as Balance;
    entries.push(await move(client, target.id, target_, amount, createdAt, { account: to, currency }));
  }
  const { currency } = request.postings[0] as { currency: string };
  const amount = request.postings.reduce((sum, posting) => sum + posting.amount, 0n);
  await client.query(
    `INSERT INTO textbook.transactions
       (id, ledger_id, created_at, user_id, status, currency, amount, reference_code, description, effective_at, metadata)
     VALUES ($1, $2, $3, $4, 'SUCCESS', $5, $6, $7, $8, $9, $10)`,
    [
      ...[id, ledgerId, createdAt, request.userId ?? '', currency, amount, request.referenceCode],
      ...[request.description, request.effectiveAt, request.metadata && JSON.stringify(request.metadata)],
    ],
  );
  for (const entry of entries) {
    await client.query(
      `INSERT INTO textbook.entries (transaction_id, account_id, created_at, version, amount, balance_after)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      [id, entry.accountId, createdAt, entry.version, entry.amount, entry.balanceAfter],
    );
  }
  if (request.idempotency) {
    await client.query(
      'INSERT INTO textbook.idempotency_keys (key, fingerprint, transaction_id) VALUES ($1, $2, $3)',
      [request.idempotency.key, request.idempotency.fingerprint, id],
    );
  }
  return {
    kind: 'created',
    transaction: {
      id,
      createdAt,
      userId: request.userId ?? '',
      status: 'SUCCESS',
      currency,
      amount,
      referenceCode: request.referenceCode ?? null,
      description: request.description ?? null,
      effectiveAt: request.effectiveAt ?? null,
      metadata: request.metadata ?? null,
      reverses: null,
      settles: null,
      reservation: null,
      entries,
    },
  };
}

async function move(
  client: pg.PoolClient,
  accountId: bigint,
  balance: Balance,
  amount: bigint,
  createdAt: Date,
  names: { readonly account: string; readonly currency: string },
): Promise<EntryView & { readonly accountId: bigint }> {
  balance.posted += amount;
  balance.version += 1n;
  await client.query(
    'UPDATE textbook.balances SET posted = $2, version = $3, last_entry_at = $4 WHERE account_id = $1',
    [accountId, balance.posted, balance.version, createdAt],
  );
  return { ...names, accountId, amount, balanceAfter: balance.posted, version: balance.version };
}

function refused(detail: string): PostResult {
  return { kind: 'refused', error: new AppError('refused', 'insufficient_funds', detail) };
}
