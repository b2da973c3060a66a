import { AppError } from './errors.ts';

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
  | 'before_oldest';

export interface Refusal {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  readonly detail: string;
  /** The part of the request that is at fault. */
  readonly field: 'from' | 'to' | 'amount' | 'currency' | 'created_at';
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

/** The error that tells a caller of a refusal. What no state of the ledger could allow is `invalid`. */
export function refusalError({ code, detail }: Refusal): AppError {
  const senseless = ['amount_invalid', 'same_account', 'in_the_future', 'before_oldest'].includes(code);
  return new AppError(senseless ? 'invalid' : 'refused', code, detail);
}
