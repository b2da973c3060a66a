import { instantOf } from '../core/id.ts';
import type { Posting } from '../core/posting.ts';
import type { Db } from '../db/schema.ts';
import { type NamedAddresses, namesIn } from './accounts.ts';
import type { Description, PostRequest } from './request.ts';
import { readReservations } from './reservations.ts';
import { undoing } from './reversals.ts';
import type { TransactionView } from './transaction-view.ts';
import { readTransactions } from './transactions.ts';

/** What the requests of a batch name, read before anything is locked: none of it ever changes. */
export interface Prepared {
  /** Of the reservations only what they hold and say is used; how they stand is read under their lock. */
  readonly reservations: ReadonlyMap<string, TransactionView>;
  readonly originals: ReadonlyMap<string, TransactionView>;
  readonly names: NamedAddresses;
}

/** Finds a transaction of a quarter that is not online any more. */
export type FindArchived = (ledgerId: number, id: string) => Promise<TransactionView | undefined>;

export async function prepare(
  db: Db,
  findArchived: FindArchived | undefined,
  ledgerId: number,
  requests: readonly PostRequest[],
): Promise<Prepared> {
  const reserved = new Set<string>();
  const reversed = new Set<string>();
  for (const request of requests) {
    if ('settle' in request) reserved.add(request.settle);
    else if ('void' in request) reserved.add(request.void);
    else if ('reverse' in request) reversed.add(request.reverse);
  }
  const reservations = await readReservations(db, ledgerId, [...reserved]);
  const originals = await readTransactions(db, ledgerId, [...reversed]);
  for (const id of reversed) {
    if (originals.has(id) || instantOf(id) === undefined) continue;
    const archived = await findArchived?.(ledgerId, id);
    if (archived) originals.set(id, archived);
  }
  const names = namesIn(postingsOf(requests, reservations, originals));
  return { reservations, originals, names };
}

/** All that the requests may move. */
function* postingsOf(
  requests: readonly PostRequest[],
  reservations: Prepared['reservations'],
  originals: Prepared['originals'],
): Iterable<Posting> {
  for (const request of requests) if ('postings' in request) yield* request.postings;
  for (const { reservation } of reservations.values()) yield* reservation?.postings ?? [];
  for (const { entries } of originals.values()) yield* undoing(entries);
}

/** What a transaction says about itself, where the request leaves it to what it settles or reverses. */
export function detailsOf(request: PostRequest, { reservations, originals }: Prepared): Description {
  if ('postings' in request) return request;
  const given = 'reverse' in request ? request : undefined;
  const source = given
    ? originals.get(given.reverse)
    : 'settle' in request
      ? reservations.get(request.settle)
      : undefined;
  return {
    userId: given?.userId ?? source?.userId,
    referenceCode: given?.referenceCode ?? source?.referenceCode ?? undefined,
    description: given?.description ?? source?.description ?? undefined,
    metadata: given?.metadata ?? source?.metadata ?? undefined,
    // A reversal happens when it is asked for, whenever that which it reverses did.
    effectiveAt: given ? given.effectiveAt : (source?.effectiveAt ?? undefined),
  };
}
