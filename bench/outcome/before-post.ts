import type pg from 'pg';
import { parseAddress } from '../../src/core/account.ts';
import { AppError, assert } from '../../src/core/errors.ts';
import type { PostResult } from '../../src/ledger/post.ts';
import type { PostRequest } from '../../src/ledger/request.ts';

interface Account {
  readonly id: bigint;
  readonly entity_id: string;
  readonly status: string;
  readonly balance: bigint;
  readonly min_balance: bigint | null;
}

/**
 * One transfer, in one transaction: lock both accounts, in the order of their ids, so that two transfers cannot wait for each
 * other; check; take from the one; give to the other; insert the transaction; insert both entries. Each is a round trip.
 */
export async function transfer(
  client: pg.PoolClient,
  request: PostRequest,
  { id, at }: { readonly id: string; readonly at: Date },
): Promise<PostResult> {
  assert('postings' in request && request.postings.length === 1, 'the bench posts one posting at a time');
  const { from, to, amount, currency } = request.postings[0] as (typeof request.postings)[0];
  const [payer, payee] = [parseAddress(from), parseAddress(to)];
  const { rows } = await client.query<Account>(
    `SELECT * FROM naive.accounts
     WHERE entity_id IN ($1, $2) AND group_type = 'WALLET' AND currency = $3 ORDER BY id FOR UPDATE`,
    [payer?.entityId, payee?.entityId, currency],
  );
  const source = rows.find((row) => row.entity_id === payer?.entityId);
  const target = rows.find((row) => row.entity_id === payee?.entityId);
  if (source?.status !== 'ACTIVE' || target?.status !== 'ACTIVE')
    return refused(`${from} or ${to} is not there.`);
  if (source.min_balance !== null && source.balance - amount < source.min_balance) {
    return refused(`${from} has not enough for ${amount}.`);
  }
  await client.query('UPDATE naive.accounts SET balance = balance - $2 WHERE id = $1', [source.id, amount]);
  await client.query('UPDATE naive.accounts SET balance = balance + $2 WHERE id = $1', [target.id, amount]);
  const userId = request.userId ?? '';
  await client.query(
    `INSERT INTO naive.transactions (id, created_at, user_id, status, currency, amount, reference_code)
     VALUES ($1, $2, $3, 'SUCCESS', $4, $5, $6)`,
    [id, at, userId, currency, amount, request.referenceCode],
  );
  await client.query(
    `INSERT INTO naive.entries (transaction_id, account_id, created_at, amount)
     VALUES ($1, $2, $3, $4), ($1, $5, $3, $6)`,
    [id, source.id, at, -amount, target.id, amount],
  );
  const entryOf = (account: string, row: Account, moved: bigint) => ({
    account,
    currency,
    amount: moved,
    balanceAfter: row.balance + moved,
    version: 0n,
  });
  return {
    kind: 'created',
    transaction: {
      id,
      createdAt: at,
      userId,
      status: 'SUCCESS',
      currency,
      amount,
      referenceCode: request.referenceCode ?? null,
      description: null,
      effectiveAt: null,
      metadata: null,
      reverses: null,
      settles: null,
      reservation: null,
      entries: [entryOf(from, source, -amount), entryOf(to, target, amount)],
    },
  };
}

function refused(detail: string): PostResult {
  return { kind: 'refused', error: new AppError('refused', 'insufficient_funds', detail) };
}
