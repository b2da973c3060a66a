import { type Outcome, startDeciding } from '../core/decide.ts';
import type { BalanceChange, LedgerState } from '../core/posting.ts';
import { refuse } from '../core/refusal.ts';
import type { Booking } from './booking.ts';
import { detailsOf, type Prepared } from './prepare.ts';
import type { PostRequest } from './request.ts';
import type { TransactionView } from './transaction-view.ts';

/** What becomes of a request: booked or reserved anew, or the reservation that is freed. */
export interface Judged {
  readonly request: PostRequest;
  readonly outcome: Outcome;
  readonly booking?: Booking | undefined;
  readonly freed?: TransactionView | undefined;
}

export interface Judging {
  /** Piece by piece, in order: what was judged first can be written while the rest is judged. */
  pieces(): Generator<readonly Judged[]>;
  /** What the balances become by all that stands. */
  changes(): readonly BalanceChange[];
}

/** Requests in a piece: few enough that PostgreSQL soon has something to do, and enough for a statement. */
const PIECE = 1000;

/** What a request of an atomic batch is told when another one was refused. */
export const refusedWithOthers = refuse(
  'batch_refused',
  'Nothing of the batch was booked, for another transaction of it was refused.',
  'id',
);

/** Decides the requests and gives an id to what stands. With `atomic` one refusal refuses all the others too. */
export function judge(
  requests: readonly PostRequest[],
  prepared: Prepared,
  state: LedgerState,
  newId: (createdAt: Date) => string,
  {
    atomic,
    stopAtRefusal,
  }: { readonly atomic?: boolean | undefined; readonly stopAtRefusal?: boolean | undefined },
): Judging {
  const deciding = startDeciding(state);
  let stands = true;
  return {
    *pieces() {
      const size = atomic ? requests.length : PIECE;
      for (let from = 0; from < requests.length; from += size) {
        const piece = requests.slice(from, from + size);
        const outcomes = deciding.next(piece, { stopAtRefusal });
        stands = !(atomic && outcomes.some(isRefused));
        yield outcomes.map((outcome, index) => judgedOf(piece[index] as PostRequest, outcome));
        if (stopAtRefusal && outcomes.some(isRefused)) return;
      }
    },
    changes: () => (stands ? deciding.changes() : []),
  };

  function judgedOf(request: PostRequest, outcome: Outcome): Judged {
    if (outcome.kind === 'refused') return { request, outcome };
    if (!stands) return { request, outcome: refusedWithOthers };
    if (outcome.kind === 'freed') return { request, outcome, freed: freedView(request, outcome, prepared) };
    const { createdAt } = outcome;
    const booking: Booking = {
      id: newId(createdAt),
      accepted: outcome,
      at: createdAt.toISOString(),
      details: detailsOf(request, prepared),
      settles: 'settle' in request ? request.settle : undefined,
      reverses: 'reverse' in request ? request.reverse : undefined,
      expiresAt: 'postings' in request ? request.expiresAt : undefined,
    };
    return { request, outcome, booking };
  }
}

function isRefused({ kind }: Outcome): boolean {
  return kind === 'refused';
}

function freedView(
  request: PostRequest,
  { state, at }: { state: 'VOIDED' | 'EXPIRED'; at: Date },
  { reservations }: Prepared,
): TransactionView {
  const before = reservations.get('void' in request ? request.void : '') as TransactionView;
  const reservation = before.reservation && { ...before.reservation, resolvedAt: at };
  return { ...before, status: state, reservation };
}
