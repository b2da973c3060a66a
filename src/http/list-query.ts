import { readLimit } from './page.ts';
import type { createParameters } from './query.ts';

/** The filters of a list of transactions as they stand in a query, whether the list is read online or from an archive. */
interface ListQuery<Status extends string> {
  readonly user_id?: string;
  readonly status?: Status;
  readonly from?: string;
  readonly to?: string;
  readonly reference_prefix?: string;
  readonly account?: string;
  readonly currency?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

/** What a list is asked for. Faults go to `parameters`, which throws them when it is done. */
export function readListQuery<Status extends string>(
  parameters: ReturnType<typeof createParameters>,
  query: ListQuery<Status>,
) {
  const wanted = {
    userId: parameters.text('user_id', query.user_id, 'user_id'),
    status: query.status,
    from: query.from === undefined ? undefined : parameters.instant('from', query.from),
    to: query.to === undefined ? undefined : parameters.instant('to', query.to),
    referencePrefix: parameters.text('reference_prefix', query.reference_prefix, 'reference_code'),
    account: parameters.account('account', query.account),
    currency: query.currency,
    limit: readLimit(query.limit),
    cursor: query.cursor,
  };
  parameters.inOrder(wanted.from, wanted.to);
  return wanted;
}
