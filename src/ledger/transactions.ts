import { formatAddress } from '../core/account.ts';
import { bookableInstantOf } from '../core/id.ts';
import type { Db } from '../db/schema.ts';
import { type AccountNames, createAccountNames } from './account-names.ts';
import type { AccountName } from './accounts.ts';
import { instantArray, plainArray } from './arrays.ts';
import { query } from './query.ts';
import { readReservations } from './reservations.ts';
import { type DescribedRow, described, type EntryView, type TransactionView } from './transaction-view.ts';

interface TransactionRow extends DescribedRow {
  readonly status: 'SUCCESS' | 'FAILED';
  readonly reverses: string | null;
  readonly settles: string | null;
  readonly account_ids: readonly bigint[];
}

interface EntryRow {
  readonly transaction_id: string;
  readonly account_id: bigint;
  readonly entity_id: string;
  readonly group_type: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly version: bigint;
}

/** account_id, amount, balance_after and version, all as text. */
type EntryArray = readonly [string, string, string, string];

const transactionById = query<TransactionRow & { entries: readonly EntryArray[] | null }>(
  'transaction_by_id',
);
const transactionsById = query<TransactionRow>('transactions_by_id');
const entriesOfTransactions = query<EntryRow>('entries_of_transactions');

/** The transaction of that id in that ledger; undefined where there is none, or its quarter is not online. */
export async function readTransaction(
  db: Db,
  ledgerId: number,
  id: string,
  names: AccountNames = createAccountNames(),
): Promise<TransactionView | undefined> {
  const createdAt = bookableInstantOf(id);
  if (!createdAt) return undefined;
  const [row] = await transactionById(db, [ledgerId, createdAt.toISOString(), id]);
  if (!row) return undefined;
  const called = await names.of(db, ledgerId, row.entries === null ? [] : row.account_ids);
  const entries = (row.entries ?? []).map(([accountId, amount, balanceAfter, version]) => {
    const account_id = BigInt(accountId);
    const { address, currency } = called.get(account_id) as AccountName;
    const entry: EntryView = {
      account: address,
      currency,
      amount: BigInt(amount),
      balanceAfter: BigInt(balanceAfter),
      version: BigInt(version),
    };
    return { account_id, version: entry.version, entry };
  });
  return viewOf(
    row,
    inOrder(row, entries).map(({ entry }) => entry),
  );
}

/** What GET shows under an id: a transaction, or a reservation as it is now. */
export async function readTransactionOrReservation(
  db: Db,
  ledgerId: number,
  id: string,
  names?: AccountNames,
): Promise<TransactionView | undefined> {
  const transaction = await readTransaction(db, ledgerId, id, names);
  return transaction ?? (await readReservations(db, ledgerId, [id])).get(id);
}

/** The same for many at once, by their ids. */
export async function readTransactions(
  db: Db,
  ledgerId: number,
  ids: readonly string[],
): Promise<Map<string, TransactionView>> {
  const wanted = ids.flatMap((id) => {
    const at = bookableInstantOf(id);
    return at ? [{ id, at }] : [];
  });
  if (wanted.length === 0) return new Map();
  const rows = await transactionsById(db, [
    ledgerId,
    instantArray(wanted.map(({ at }) => at)),
    plainArray(wanted.map(({ id }) => id)),
  ]);
  const probes = rows
    .filter(({ status }) => status === 'SUCCESS')
    .flatMap((row) => row.account_ids.map((accountId) => ({ row, accountId })));
  const found = await entriesOfTransactions(db, [
    ledgerId,
    instantArray(probes.map(({ row }) => row.created_at)),
    plainArray(probes.map(({ row }) => row.id)),
    plainArray(probes.map(({ accountId }) => accountId)),
  ]);
  const entries = Map.groupBy(found, ({ transaction_id }) => transaction_id);
  return new Map(
    rows.map((row) => [row.id, viewOf(row, inOrder(row, entries.get(row.id) ?? []).map(entryOf))]),
  );
}

/** Account by account as the transaction names them, and then by version. */
function inOrder<T extends { readonly account_id: bigint; readonly version: bigint }>(
  { account_ids }: TransactionRow,
  entries: readonly T[],
): T[] {
  const place = new Map(account_ids.map((accountId, index) => [accountId, index]));
  const placeOf = ({ account_id }: T) => place.get(account_id) ?? 0;
  return [...entries].sort((a, b) => placeOf(a) - placeOf(b) || Number(a.version - b.version));
}

function viewOf(row: TransactionRow, entries: readonly EntryView[]): TransactionView {
  const { reverses, settles } = row;
  return { ...described(row), reverses, settles, reservation: null, entries };
}

function entryOf(row: EntryRow): EntryView {
  return {
    account: formatAddress({ entityId: row.entity_id, groupType: row.group_type }),
    currency: row.currency,
    amount: row.amount,
    balanceAfter: row.balance_after,
    version: row.version,
  };
}
