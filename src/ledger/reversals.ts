import type { OriginalState, Posting } from '../core/posting.ts';
import type { Db, Trx } from '../db/schema.ts';
import { plainArray } from './arrays.ts';
import { query } from './query.ts';
import type { EntryView, TransactionView } from './transaction-view.ts';

const reversalsOf = query<{ reversed_id: string; transaction_id: string }>('reversals_of');
const insertRows = query('insert_reversals');

/** Which of these transactions were reversed, and by which. */
async function readReversals(db: Db, ledgerId: number, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await reversalsOf(db, [ledgerId, plainArray(ids)]);
  return new Map(rows.map((row) => [row.reversed_id, row.transaction_id]));
}

/** The transaction that reversed this one; undefined while none has. */
export async function readReversal(db: Db, ledgerId: number, id: string): Promise<string | undefined> {
  return (await readReversals(db, ledgerId, [id])).get(id);
}

/**
 * How transactions stand before they are reversed. Read when the balances are locked: two that reverse one transaction
 * move the same accounts, so the second sees the first's row.
 */
export async function readOriginals(
  db: Db,
  ledgerId: number,
  originals: ReadonlyMap<string, TransactionView>,
): Promise<Map<string, OriginalState>> {
  const reversed = await readReversals(db, ledgerId, [...originals.keys()]);
  return new Map(
    [...originals].map(([id, original]) => [
      id,
      { undoing: undoing(original.entries), reversedBy: reversed.get(id) ?? null },
    ]),
  );
}

export async function insertReversals(
  trx: Trx,
  ledgerId: number,
  reversals: readonly { reverses: string; id: string }[],
): Promise<void> {
  if (reversals.length === 0) return;
  await insertRows(trx, [
    ledgerId,
    plainArray(reversals.map(({ reverses }) => reverses)),
    plainArray(reversals.map(({ id }) => id)),
  ]);
}

/**
 * The postings that take every account back to where it was before these entries. Entries do not tell which of
 * several postings they were made by, and need not: what an account gained in all goes to those that lost it, so that
 * money which only passed through an account does not have to be there again.
 */
export function undoing(entries: readonly EntryView[]): Posting[] {
  const net = new Map<string, Map<string, bigint>>();
  for (const { account, currency, amount } of entries) {
    const accounts = net.get(currency) ?? new Map<string, bigint>();
    net.set(currency, accounts.set(account, (accounts.get(account) ?? 0n) + amount));
  }
  const postings: Posting[] = [];
  for (const [currency, accounts] of net) {
    const losers = [...accounts].filter(([, amount]) => amount < 0n);
    let [loser, owed] = ['', 0n];
    for (const [from, gained] of accounts) {
      for (let left = gained; left > 0n; ) {
        if (owed === 0n) {
          const [account, lost] = losers.shift() as [string, bigint];
          [loser, owed] = [account, -lost];
        }
        const amount = left < owed ? left : owed;
        postings.push({ from, to: loser, amount, currency });
        left -= amount;
        owed -= amount;
      }
    }
  }
  return postings;
}
