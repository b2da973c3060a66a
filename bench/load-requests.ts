import { randomUUID } from 'node:crypto';
import type { Dispatcher } from 'undici';
import type { NextPair } from './distributions.ts';
import type { LoadPlan } from './load-plan.ts';

/** Makes the requests of a plan one after the other. The texts are put together by hand: this is no side's time to spend. */
export function createRequests(
  plan: Pick<LoadPlan, 'ledger' | 'key' | 'batch' | 'withKeys'>,
  nextPair: NextPair,
): () => Dispatcher.DispatchOptions {
  const path = `/v1/ledgers/${plan.ledger}/transactions`;
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${plan.key}`,
  };
  let made = 0;
  const transaction = (key: string) => {
    const [from, to] = nextPair();
    made++;
    const posting = `{"from":"user-${from}:WALLET","to":"user-${to}:WALLET","amount":"${1 + (made % 1000)}","currency":"EUR"}`;
    return `{${key}"user_id":"user-${from}","reference_code":"order-${made}","postings":[${posting}]}`;
  };
  if (plan.batch === 1) {
    return () => ({
      method: 'POST',
      path,
      headers: plan.withKeys ? { ...headers, 'idempotency-key': randomUUID() } : headers,
      body: transaction(''),
    });
  }
  return () => {
    const items = Array.from({ length: plan.batch }, () =>
      transaction(plan.withKeys ? `"idempotency_key":"${randomUUID()}",` : ''),
    );
    return { method: 'POST', path: `${path}/batch`, headers, body: `{"transactions":[${items.join(',')}]}` };
  };
}

/** How many transactions an answer says were created. Nothing else counts, however fast it came. */
export function createdIn(status: number, body: string, batch: number): number {
  if (batch === 1) return status === 201 ? 1 : 0;
  if (status !== 200) return 0;
  const { results } = JSON.parse(body) as { results: readonly { readonly status?: unknown }[] };
  return results.filter((result) => result.status === 'created').length;
}

/** A failure in few words, so that equal ones can be counted. */
export function failureOf(status: number, body: string): string {
  const code = /"code":"([a-z_]+)"/.exec(body)?.[1];
  return `${status} ${code ?? body.slice(0, 200)}`;
}
