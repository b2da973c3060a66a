import { textFault } from '../core/account.ts';
import { AppError } from '../core/errors.ts';
import type { Calendar } from '../core/quarter.ts';

/** What a list is narrowed to. */
export interface TransactionFilter {
  readonly userId?: string | undefined;
  /** PENDING lists reservations; without a status what is booked or recorded as failed. */
  readonly status?: 'SUCCESS' | 'FAILED' | 'PENDING' | undefined;
  /** Instants: from the one, and before the other. */
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly referencePrefix?: string | undefined;
  /** Those that moved this account; in whatever currency unless one is given. */
  readonly account?: string | undefined;
  /** The account's; without an account that of the transaction's first posting. */
  readonly currency?: string | undefined;
}

/** The summaries know users, statuses and currencies, and nothing else. */
export function isCounted({ referencePrefix, account, status }: TransactionFilter): boolean {
  return referencePrefix !== undefined || account !== undefined || status === 'PENDING';
}

/** Whether a page may have to pass over any number of rows that others would want. */
export function isUnbounded({
  referencePrefix,
  account,
  currency,
  status,
  userId,
}: TransactionFilter): boolean {
  const isFiltered = referencePrefix !== undefined || account !== undefined || currency !== undefined;
  return isFiltered || (status === 'SUCCESS' && userId === undefined);
}

/** @throws AppError invalid/invalid_filter, invalid/instant_out_of_range */
export function checkFilter(calendar: Calendar, filter: TransactionFilter): void {
  const { from, to, userId, referencePrefix } = filter;
  const fault = filterFault(filter);
  if (fault !== undefined) throw new AppError('invalid', 'invalid_filter', fault);
  for (const instant of [from, to]) if (instant) calendar.dayOf(instant);
  const faults = [
    ['The user', userId === undefined ? undefined : textFault('user_id', userId)],
    ['The prefix', referencePrefix === undefined ? undefined : textFault('reference_code', referencePrefix)],
  ];
  for (const [what, wrong] of faults) {
    if (wrong !== undefined) throw new AppError('invalid', 'invalid_filter', `${what} ${wrong}.`);
  }
}

function filterFault({ status, account, referencePrefix }: TransactionFilter): string | undefined {
  if (status === 'FAILED' && account !== undefined) {
    return 'What failed has moved no account, so there is nothing of that status to list for one. Leave out one of the two.';
  }
  return referencePrefix === ''
    ? 'Every reference code begins with an empty prefix. Leave it out.'
    : undefined;
}
