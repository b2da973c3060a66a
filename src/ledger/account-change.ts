import { sql } from 'kysely';
import { AppError, assert } from '../core/errors.ts';
import type { Db, Trx } from '../db/schema.ts';
import { isConnectionLoss, isTransient } from '../db/sqlstate.ts';
import { type OnRetry, retry } from '../platform/retry.ts';
import {
  knownCurrencies,
  lockAccounts,
  readPhones,
  replacePhones,
  type StoredAccount,
  updateAccounts,
} from './account-change-rows.ts';
import { insertAccounts, rememberCreated } from './account-create.ts';
import {
  type AccountChange,
  type AccountResult,
  type AccountView,
  MAX_ACCOUNTS,
  type Phone,
} from './account-list.ts';
import { type AccountCache, keyOf } from './accounts.ts';
import { patience } from './batch.ts';

/** What becomes of an account that is there already. */
type Existing = 'update' | 'refuse';

/**
 * Creates or changes up to 1000 accounts in one transaction and says of each, in order, what became of it: a refused one
 * keeps none of the others back. Posting is held up for as long as the balances are locked, and waits for no more.
 */
export async function changeAccounts(
  db: Db,
  cache: AccountCache,
  ledgerId: number,
  changes: readonly AccountChange[],
  onRetry?: OnRetry,
): Promise<AccountResult[]> {
  return apply(db, cache, ledgerId, changes, { existing: 'update', onRetry });
}

/** @throws AppError conflict/account_exists, invalid/unknown_currency */
export async function createAccount(
  db: Db,
  cache: AccountCache,
  ledgerId: number,
  change: AccountChange,
  onRetry?: OnRetry,
): Promise<AccountView> {
  const [result] = await apply(db, cache, ledgerId, [change], { existing: 'refuse', onRetry });
  assert(result, 'an account has no result');
  if (result.kind !== 'refused') return result.account;
  const kind = result.code === 'account_exists' ? 'conflict' : 'invalid';
  throw new AppError(kind, result.code, result.detail);
}

async function apply(
  db: Db,
  cache: AccountCache,
  ledgerId: number,
  changes: readonly AccountChange[],
  { existing, onRetry }: { readonly existing: Existing; readonly onRetry: OnRetry | undefined },
): Promise<AccountResult[]> {
  assert(changes.length <= MAX_ACCOUNTS, `${changes.length} accounts in one call`);
  let committing = false;
  const results = await retry(
    () => {
      committing = false;
      return db
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async (trx) => {
          const written = await writeChanges(trx, ledgerId, changes, existing);
          committing = true;
          return written;
        });
    },
    {
      ...patience,
      onRetry,
      // What was committed unheard of must not be answered by "it exists" to the one who made it.
      retryable: (error) => isTransient(error) && !(committing && isConnectionLoss(error)),
    },
  );
  const created = results.flatMap((result) => (result.kind === 'created' ? [result.account] : []));
  rememberCreated(
    cache,
    ledgerId,
    created.map(({ id, account: address, currency }) => ({ id, address, currency })),
  );
  return results;
}

/** A change that can be tried, and its place among the changes of the call. */
interface Task {
  readonly place: number;
  readonly change: AccountChange;
}

/**
 * First all that is missing is created, in one order of names, then all that is there is locked, in the order of ids, as
 * posting does. Who waits in the first part holds no balance, so nobody ever waits in a circle.
 */
async function writeChanges(
  trx: Trx,
  ledgerId: number,
  changes: readonly AccountChange[],
  existing: Existing,
): Promise<AccountResult[]> {
  // As in posting: a session that sits on a row must not take all connections with it.
  await sql`SELECT set_config('lock_timeout', '4s', true), set_config('statement_timeout', '20s', true)`.execute(
    trx,
  );
  const results = new Array<AccountResult>(changes.length);
  const tasks = await sortOut(trx, changes, results);
  const wanted = [...tasks.values()].map(({ change: { account, minBalance, ...rest } }) => {
    return { ...rest, address: account, minBalance: minBalance === undefined ? 0n : minBalance };
  });
  const created = new Map(
    (await insertAccounts(trx, ledgerId, wanted)).map((account) => [keyOf(account), account.id]),
  );
  const phones = new Map<bigint, readonly Phone[]>();
  const there: Task[] = [];
  for (const [key, task] of tasks) {
    const id = created.get(key);
    const { place, change } = task;
    if (id !== undefined) {
      const { account, currency, name = '', status = 'ACTIVE' } = change;
      if (change.phones?.length) phones.set(id, change.phones);
      results[place] = { kind: 'created', account: { id, account, currency, name, status } };
    } else if (existing === 'update') there.push(task);
    else {
      const detail = `The account ${change.account} exists in ${change.currency} already. Change it instead.`;
      results[place] = { kind: 'refused', code: 'account_exists', detail };
    }
  }
  if (there.length > 0) await changeExisting(trx, ledgerId, there, phones, results);
  await replacePhones(trx, ledgerId, phones);
  return results;
}

/** Refuses what cannot be tried at all, and gives the rest by its key. */
async function sortOut(
  trx: Trx,
  changes: readonly AccountChange[],
  results: AccountResult[],
): Promise<ReadonlyMap<string, Task>> {
  const currencies = await knownCurrencies(
    trx,
    changes.map(({ currency }) => currency),
  );
  const tasks = new Map<string, Task>();
  for (const [place, change] of changes.entries()) {
    const { account, currency } = change;
    const key = keyOf({ address: account, currency });
    if (!currencies.has(currency)) {
      const detail = `${currency} is not a currency of ledger.currencies, as EUR is.`;
      results[place] = { kind: 'refused', code: 'unknown_currency', detail };
    } else if (tasks.has(key)) {
      const detail = `${account} in ${currency} stands in this call before. Send each account once.`;
      results[place] = { kind: 'refused', code: 'duplicate_account', detail };
    } else tasks.set(key, { place, change });
  }
  return tasks;
}

async function changeExisting(
  trx: Trx,
  ledgerId: number,
  tasks: readonly Task[],
  phones: Map<bigint, readonly Phone[]>,
  results: AccountResult[],
): Promise<void> {
  const stored = await lockAccounts(
    trx,
    ledgerId,
    tasks.map(({ change }) => change),
  );
  const named = tasks.flatMap(({ change }, index) => (change.phones ? (stored[index]?.id ?? []) : []));
  const numbers = await readPhones(trx, ledgerId, named);
  const updates: StoredAccount[] = [];
  for (const [index, { place, change }] of tasks.entries()) {
    const before = stored[index];
    assert(before, `${change.account} in ${change.currency} is neither there nor missing`);
    const { account, currency, name = before.name, status = before.status } = change;
    const minBalance = change.minBalance === undefined ? before.minBalance : change.minBalance;
    if (status === 'CLOSED' && before.status !== 'CLOSED' && !before.empty) {
      const detail = `${account} in ${currency} holds money or has some pending. Move it away before the account is closed.`;
      results[place] = { kind: 'refused', code: 'account_not_empty', detail };
      continue;
    }
    const renumbered = change.phones && !sameNumbers(change.phones, numbers.get(before.id) ?? []);
    const rewritten = name !== before.name || status !== before.status || minBalance !== before.minBalance;
    if (renumbered) phones.set(before.id, change.phones);
    if (rewritten) updates.push({ ...before, name, status, minBalance });
    results[place] = {
      kind: renumbered || rewritten ? 'updated' : 'unchanged',
      account: { id: before.id, account, currency, name, status },
    };
  }
  await updateAccounts(trx, ledgerId, updates);
}

function sameNumbers(a: readonly Phone[], b: readonly Phone[]): boolean {
  const spelling = (phones: readonly Phone[]) =>
    [...new Set(phones.map(({ countryCode, phoneNumber }) => `${countryCode} ${phoneNumber}`))]
      .sort()
      .join('\n');
  return spelling(a) === spelling(b);
}
