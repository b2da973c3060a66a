import { AppError, type ErrorKind } from './errors.ts';

/** Why a transaction does not stand. The codes are stable: callers branch on them. */
export type RefusalCode =
  | 'account_not_found'
  | 'account_not_active'
  | 'currency_mismatch'
  | 'insufficient_funds'
  | 'out_of_order'
  | 'quarter_closed'
  | 'amount_invalid'
  | 'same_account'
  | 'balance_overflow'
  | 'in_the_future'
  | 'before_oldest'
  | 'expires_in_the_past'
  | 'amounts_invalid'
  | 'reservation_not_found'
  | 'reservation_not_pending'
  | 'reservation_expired'
  | 'reservation_not_expired'
  | 'transaction_not_found'
  | 'already_reversed'
  | 'nothing_to_reverse'
  | 'batch_refused';

export interface Refusal {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  readonly detail: string;
  /** The part of the request that is at fault. */
  readonly field: 'from' | 'to' | 'amount' | 'amounts' | 'currency' | 'created_at' | 'expires_at' | 'id';
}

export function refuse(code: RefusalCode, detail: string, field: Refusal['field']): Refusal {
  return { kind: 'refused', code, detail, field };
}

/** Refuses a time after `latest` or before `oldest`; who brings times of their own asks before deciding. */
export function judgeInstant(createdAt: Date, bounds: { oldest: Date; latest: Date }): Refusal | undefined {
  if (createdAt > bounds.latest) {
    const now = bounds.latest.toISOString();
    return refuse('in_the_future', `${createdAt.toISOString()} is after now, ${now}.`, 'created_at');
  }
  if (createdAt < bounds.oldest) {
    const detail = `${createdAt.toISOString()} is before ${bounds.oldest.toISOString()}, the oldest time taken; QM_OLDEST_DATE sets it.`;
    return refuse('before_oldest', detail, 'created_at');
  }
  return undefined;
}

/** What is not a matter of rules: input that no state of the ledger could allow, and what is not there, or in another state. */
const kinds: Partial<Record<RefusalCode, ErrorKind>> = {
  amount_invalid: 'invalid',
  amounts_invalid: 'invalid',
  same_account: 'invalid',
  in_the_future: 'invalid',
  before_oldest: 'invalid',
  expires_in_the_past: 'invalid',
  reservation_not_found: 'not_found',
  transaction_not_found: 'not_found',
  reservation_not_pending: 'conflict',
  reservation_expired: 'conflict',
  reservation_not_expired: 'conflict',
  already_reversed: 'conflict',
};

/** The error that tells a caller of a refusal. */
export function refusalError({ code, detail }: Refusal): AppError {
  return new AppError(kinds[code] ?? 'refused', code, detail);
}
