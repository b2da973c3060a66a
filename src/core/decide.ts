import { type Course, findSides, judgeMoved, movedBy, pair } from './course.ts';
import { assert } from './errors.ts';
import type {
  Accepted,
  BalanceChange,
  BookRequest,
  Entry,
  Freed,
  LedgerState,
  Posting,
  PostingRequest,
  ReservationState,
  ReverseRequest,
  SettleRequest,
  VoidRequest,
} from './posting.ts';
import { type Refusal, refuse } from './refusal.ts';
import { changeOf, free, hold, move, type Running, start, timeOf, whole } from './running.ts';

export type Outcome = Accepted | Freed | Refusal;

/** A decision that is taken piece by piece. */
export interface Deciding {
  /**
   * Decides, in order, which of the next requests stand and what every entry, balance and version becomes. With
   * `stopAtRefusal` nothing after the first refusal is decided: it is the last outcome.
   */
  next(requests: readonly PostingRequest[], options?: DecideOptions): Outcome[];
  /** What the balances become by all that was decided so far. */
  changes(): BalanceChange[];
}

export interface DecideOptions {
  readonly stopAtRefusal?: boolean | undefined;
}

/**
 * Decides requests that find the ledger in this state. A refused request changes nothing for those after it; one with several
 * postings stands or falls whole, and each posting finds what the one before it left.
 */
export function startDeciding(state: LedgerState): Deciding {
  const accounts = new Map<string, Running[]>();
  for (const [address, some] of state.accounts) accounts.set(address, some.map(start));
  const course: Course = { state, accounts, resolved: new Map(), reversed: new Set() };
  return {
    next(requests, { stopAtRefusal } = {}) {
      const outcomes: Outcome[] = [];
      for (const request of requests) {
        const outcome = decideOne(request, course);
        outcomes.push(outcome);
        if (stopAtRefusal && outcome.kind === 'refused') break;
      }
      return outcomes;
    },
    changes() {
      const changes: BalanceChange[] = [];
      for (const some of accounts.values()) {
        for (const running of some) {
          const change = changeOf(running);
          if (change) changes.push(change);
        }
      }
      return changes;
    },
  };
}

function decideOne(request: PostingRequest, course: Course): Outcome {
  if ('postings' in request) return decideTransaction(request, course);
  if ('settle' in request) return settle(request, course);
  return 'void' in request ? voidReservation(request, course) : reverse(request, course);
}

function decideTransaction(request: BookRequest, course: Course): Accepted | Refusal {
  const { postings, status = 'SUCCESS', createdAt, expiresAt } = request;
  assert(postings.length > 0, 'a transaction needs a posting');
  const sides: Running[] = [];
  const refusal = findSides(postings, course, sides) ?? judgeMoved(postings);
  if (refusal) return refusal;
  if (status === 'PENDING') {
    assert(createdAt === undefined, 'a reservation is made now');
    return reserve(postings, sides, course.state.now, expiresAt);
  }
  const latest = Math.max(...sides.map(timeOf));
  const at = createdAt ?? new Date(Math.max(course.state.now.getTime(), latest));
  if (course.state.closed.some(({ start, end }) => at >= start && at < end)) {
    const detail = `The quarter of ${at.toISOString()} is closed. Book it now and give its true date as effective_at.`;
    return refuse('quarter_closed', detail, 'created_at');
  }
  if (status === 'FAILED') return accept('recorded', at, postings, sides, []);
  return bookAt(at, postings, sides, false);
}

function reserve(
  postings: readonly Posting[],
  sides: readonly Running[],
  now: Date,
  expiresAt: Date | undefined,
): Accepted | Refusal {
  if (expiresAt !== undefined && expiresAt <= now) {
    const detail = `It would expire at ${expiresAt.toISOString()}, and it is ${now.toISOString()} already.`;
    return refuse('expires_in_the_past', detail, 'expires_at');
  }
  const refusal = inTurn(postings, sides, hold);
  return refusal ?? accept('reserved', now, postings, sides, []);
}

/** Frees all that was held and books what is asked for; `held`, for the reservation was the promise that it will do. */
function settle({ settle: id, amounts }: SettleRequest, course: Course): Accepted | Refusal {
  const found = pending(id, course);
  if ('kind' in found) return found;
  const { postings, expiresAt } = found;
  const { now } = course.state;
  if (expiresAt !== null && expiresAt <= now) {
    const detail = `The reservation ${id} expired at ${expiresAt.toISOString()}.`;
    return refuse('reservation_expired', detail, 'id');
  }
  const wrong = judgeAmounts(postings, amounts);
  if (wrong !== undefined) return refuse('amounts_invalid', wrong, 'amounts');
  const sides: Running[] = [];
  const missing = findSides(postings, course, sides);
  assert(!missing, `the accounts of reservation ${id} are not all known`);
  const booked = postings
    .map((posting, index) => ({ ...posting, amount: amounts?.[index] ?? posting.amount, index }))
    .filter(({ amount }) => amount > 0n);
  const moved = booked.flatMap(({ index }) => pair(sides, index));
  const at = new Date(Math.max(now.getTime(), ...moved.map(timeOf)));
  let outcome: Accepted | Refusal | undefined;
  whole(sides, () => {
    for (const [index, posting] of postings.entries()) free(posting, ...pair(sides, index));
    const plain = booked.map(({ index: _, ...posting }) => posting);
    outcome = bookAt(at, plain, moved, true);
    return outcome.kind === 'refused' ? outcome : undefined;
  });
  assert(outcome, 'a settlement has no outcome');
  if (outcome.kind !== 'refused') course.resolved.set(id, 'SETTLED');
  return outcome;
}

function voidReservation({ void: id, expired }: VoidRequest, course: Course): Freed | Refusal {
  const found = pending(id, course);
  if ('kind' in found) return found;
  const { now } = course.state;
  const over = found.expiresAt !== null && found.expiresAt <= now;
  if (expired && !over) {
    return refuse('reservation_not_expired', `The time of the reservation ${id} has not passed.`, 'id');
  }
  const sides: Running[] = [];
  const missing = findSides(found.postings, course, sides);
  assert(!missing, `the accounts of reservation ${id} are not all known`);
  for (const [index, posting] of found.postings.entries()) free(posting, ...pair(sides, index));
  const state = over ? 'EXPIRED' : 'VOIDED';
  course.resolved.set(id, state);
  return { kind: 'freed', state, at: now };
}

function reverse({ reverse: id }: ReverseRequest, course: Course): Accepted | Refusal {
  const original = course.state.originals?.get(id);
  if (!original) return refuse('transaction_not_found', `There is no transaction ${id}.`, 'id');
  if (original.reversedBy !== null || course.reversed.has(id)) {
    const by = original.reversedBy === null ? '' : ` by ${original.reversedBy}`;
    return refuse('already_reversed', `The transaction ${id} was reversed${by}.`, 'id');
  }
  if (original.undoing.length === 0) {
    return refuse('nothing_to_reverse', `The transaction ${id} moved nothing.`, 'id');
  }
  const outcome = decideTransaction({ postings: original.undoing }, course);
  if (outcome.kind !== 'refused') course.reversed.add(id);
  return outcome;
}

function pending(id: string, { state, resolved }: Course): ReservationState | Refusal {
  const found = state.reservations?.get(id);
  if (!found) return refuse('reservation_not_found', `There is no reservation ${id}.`, 'id');
  const now = resolved.get(id) ?? found.state;
  if (now === 'PENDING') return found;
  return refuse('reservation_not_pending', `The reservation ${id} is ${now}.`, 'id');
}

/** What is wrong with the amounts of a settlement, or undefined. */
function judgeAmounts(
  postings: readonly Posting[],
  amounts: readonly bigint[] | undefined,
): string | undefined {
  if (amounts === undefined) return undefined;
  if (amounts.length !== postings.length) {
    return `The reservation has ${postings.length} postings, and ${amounts.length} amounts were given.`;
  }
  for (const [index, amount] of amounts.entries()) {
    const held = postings[index]?.amount ?? 0n;
    if (amount < 0n || amount > held) return `Of ${held} held ${amount} cannot be settled.`;
  }
  return amounts.some((amount) => amount > 0n)
    ? undefined
    : 'Nothing would be settled; void the reservation instead.';
}

/** Books the postings at that time, whole or not at all. */
function bookAt(
  at: Date,
  postings: readonly Posting[],
  sides: readonly Running[],
  held: boolean,
): Accepted | Refusal {
  const late = sides.find((side) => timeOf(side) > at.getTime());
  if (late) {
    const last = late.lastEntryAt?.toISOString();
    const detail = `The last entry of ${late.account.address} is of ${last}, and ${at.toISOString()} is before it. Book it now and give its true date as effective_at.`;
    return refuse('out_of_order', detail, 'created_at');
  }
  const entries: Entry[] = [];
  const refusal = inTurn(postings, sides, (posting, source, target) =>
    move(posting, source, target, entries, held),
  );
  if (refusal) return refusal;
  for (const side of sides) side.lastEntryAt = at;
  return accept('booked', at, postings, sides, entries);
}

/** Posts one after the other, all or none. One posting changes nothing when it is refused. */
function inTurn(
  postings: readonly Posting[],
  sides: readonly Running[],
  post: (posting: Posting, source: Running, target: Running) => Refusal | undefined,
): Refusal | undefined {
  const all = () => {
    for (const [index, posting] of postings.entries()) {
      const refused = post(posting, ...pair(sides, index));
      if (refused) return refused;
    }
    return undefined;
  };
  return postings.length === 1 ? all() : whole(sides, all);
}

function accept(
  kind: Accepted['kind'],
  createdAt: Date,
  postings: readonly Posting[],
  sides: readonly Running[],
  entries: readonly Entry[],
): Accepted {
  const accountIds = [...new Set(sides.map((side) => side.account.id))];
  return { kind, createdAt, postings, ...movedBy(postings), accountIds, entries };
}
