import { decide, type Outcome } from '../core/decide.ts';
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

export interface Judgement {
  readonly judged: readonly Judged[];
  readonly changes: readonly BalanceChange[];
}

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
  options: { readonly atomic?: boolean | undefined; readonly stopAtRefusal?: boolean | undefined },
): Judgement {
  const { outcomes, changes } = decide(requests, state, options);
  const stands = !(options.atomic && outcomes.some(({ kind }) => kind === 'refused'));
  const judged = outcomes.map((outcome, index): Judged => {
    const request = requests[index] as PostRequest;
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
  });
  return { judged, changes: stands ? changes : [] };
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
