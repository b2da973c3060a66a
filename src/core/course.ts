import { type Freed, type LedgerState, MAX_MOVED, type Posting } from './posting.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { Running } from './running.ts';

/** The ledger while a batch is gone through. */
export interface Course {
  readonly state: LedgerState;
  readonly accounts: ReadonlyMap<string, readonly Running[]>;
  /** What this batch did to reservations, and which transactions it reversed. */
  readonly resolved: Map<string, 'SETTLED' | Freed['state']>;
  readonly reversed: Set<string>;
}

/** What a transaction is said to move: what its postings move in the currency of the first. */
export function movedBy(postings: readonly Posting[]): { currency: string; amount: bigint } {
  const { currency } = postings[0] as Posting;
  let amount = 0n;
  for (const posting of postings) if (posting.currency === currency) amount += posting.amount;
  return { currency, amount };
}

/** Refuses what moves more than one transaction may. */
export function judgeMoved(postings: readonly Posting[]): Refusal | undefined {
  const { amount } = movedBy(postings);
  if (amount <= MAX_MOVED) return undefined;
  const detail = `Together the postings move ${amount} minor units; ${MAX_MOVED} is the most.`;
  return refuse('amount_invalid', detail, 'amount');
}

/** The two accounts of the posting at `index`, `from` first. */
export function pair(sides: readonly Running[], index: number): [source: Running, target: Running] {
  return [sides[index * 2] as Running, sides[index * 2 + 1] as Running];
}

/** Adds the two accounts of each posting to `sides`, `from` first. */
export function findSides(
  postings: readonly Posting[],
  course: Course,
  sides: Running[],
): Refusal | undefined {
  for (const { from, to, amount, currency } of postings) {
    if (amount <= 0n || amount > MAX_MOVED) {
      const detail = `An amount is above 0 and at most ${MAX_MOVED} minor units; ${amount} is not.`;
      return refuse('amount_invalid', detail, 'amount');
    }
    if (from === to) return refuse('same_account', `${from} cannot pay itself.`, 'to');
    const refusal =
      findSide(from, 'from', currency, course, sides) ?? findSide(to, 'to', currency, course, sides);
    if (refusal) return refusal;
  }
  return undefined;
}

function findSide(
  address: string,
  field: 'from' | 'to',
  currency: string,
  { accounts }: Course,
  sides: Running[],
): Refusal | undefined {
  const some = accounts.get(address) ?? [];
  const side = some.find(({ account }) => account.currency === currency);
  if (side) {
    sides.push(side);
    return undefined;
  }
  if (some.length === 0) return refuse('account_not_found', `There is no account ${address}.`, field);
  const currencies = some.map(({ account }) => account.currency).join(', ');
  return refuse('currency_mismatch', `${address} is kept in ${currencies}, not in ${currency}.`, 'currency');
}
