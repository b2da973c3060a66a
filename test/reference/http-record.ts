import type { Operation } from './http-document.ts';

/** One request to the API and its answer, as they went over the wire; a long list is cut. */
export interface Example {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  readonly answer?: unknown;
}

interface Asking {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly type?: string;
}

interface Heard {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: an answer is what the API makes of it
  readonly answer: any;
}

/** How many of a list an example shows. */
const SHOWN = 2;

/**
 * Asks a demo for everything once, in an order in which it can be answered, and gives what was said by the operations' names.
 *
 * @param key of somebody who may do everything; written as $KEY
 */
export async function record(
  operations: readonly Operation[],
  { url, key }: { readonly url: string; readonly key: string },
): Promise<Record<string, Example>> {
  const examples: Record<string, Example> = {};
  const templates = operations.map(({ operationId, method, path }) => ({
    operationId,
    matches: (asked: string, by: string) =>
      by === method && new RegExp(`^${path.replace('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(asked),
    // `/transactions/batch` is no transaction of that id.
    parameters: path.split('{').length,
  }));

  async function ask(
    method: string,
    path: string,
    { body, headers = {}, type }: Asking = {},
  ): Promise<Heard> {
    const sent = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...('cookie' in headers ? {} : { authorization: `Bearer ${key}` }),
        ...(sent === undefined ? {} : { 'content-type': type ?? 'application/json' }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const answer = isJson ? JSON.parse(text) : text;
    const asked = path.split('?')[0] ?? '';
    const found = templates
      .filter(({ matches }) => matches(asked, method))
      .toSorted((a, b) => a.parameters - b.parameters)[0];
    if (found !== undefined && examples[found.operationId] === undefined && response.status < 300) {
      const shown = masked(shortened(isJson ? answer : text.split('\n').slice(0, 4).join('\n')), key);
      examples[found.operationId] = {
        path,
        ...('idempotency-key' in headers && { headers }),
        ...(body !== undefined && { body: masked(body, key) }),
        status: response.status,
        ...(text !== '' && { answer: shown }),
      };
    }
    return { status: response.status, headers: response.headers, answer };
  }

  const ledger = '/v1/ledgers/northwind';
  await ask('GET', '/healthz');
  await ask('GET', '/readyz');
  for (const path of ['about', 'session', 'ledgers', 'summaries', 'operation'])
    await ask('GET', `/v1/${path}`);
  await ask('POST', '/v1/ledgers', { body: { name: 'example' } });

  // Accounts and what moves money.
  await ask('POST', `${ledger}/accounts`, {
    body: { account: 'shop-9:WALLET', currency: 'EUR', name: 'Corner shop' },
  });
  const changed = { accounts: [{ account: 'shop-9:WALLET', currency: 'EUR', name: 'The corner shop' }] };
  await ask('POST', `${ledger}/accounts/batch`, { body: changed });
  await ask('GET', `${ledger}/accounts?entity_id=shop-9`);
  await ask('GET', `${ledger}/accounts/shop-9:WALLET?currency=EUR`);
  const posting = { from: 'treasury:BANK', to: 'shop-9:WALLET', amount: '1250', currency: 'EUR' };
  const posted = await ask('POST', `${ledger}/transactions`, {
    headers: { 'idempotency-key': 'order-7' },
    body: { postings: [posting], user_id: 'shop-9', reference_code: 'order-7' },
  });
  await ask('POST', `${ledger}/transactions/batch`, {
    body: { transactions: [{ postings: [{ ...posting, amount: '300' }], idempotency_key: 'order-8' }] },
  });
  const reserve = async () =>
    (await ask('POST', `${ledger}/transactions`, { body: { postings: [posting], status: 'PENDING' } })).answer
      .id;
  await ask('POST', `${ledger}/transactions/${await reserve()}/settle`, { body: { amount: '900' } });
  await ask('POST', `${ledger}/transactions/${await reserve()}/void`, { body: {} });
  const reason = { description: 'posted by mistake' };
  await ask('POST', `${ledger}/transactions/${posted.answer.id}/reverse`, { body: reason });
  await ask('GET', `${ledger}/transactions/${posted.answer.id}`);
  await ask('GET', `${ledger}/transactions?user_id=shop-9&limit=1`);
  await ask('GET', `${ledger}/accounts/shop-9:WALLET/balance?currency=EUR`);
  await ask('GET', `${ledger}/accounts/shop-9:WALLET/statement?currency=EUR&from=2026-01-01&limit=2`);
  const quarters = (await ask('GET', '/v1/quarters')).answer.quarters as {
    quarter: string;
    state: string;
    ends_at: string;
  }[];
  const inState = (state: string) =>
    quarters.filter((one) => one.state === state).map(({ quarter }) => quarter);
  const open = quarters.find(({ state }) => state === 'open');
  const day = (open?.ends_at ?? '').slice(0, 10);
  const range = `from=${Number(day.slice(0, 4)) - 1}-01-01&to=${day}&group_by=quarter`;
  await ask('GET', `${ledger}/summaries/daily?${range}`);
  await ask('GET', `${ledger}/summaries/groups?${range}`);
  const rows = `created_at,debit_account,credit_account,amount,currency\n${new Date().toISOString()},treasury:BANK,shop-9:WALLET,1250,EUR\n`;
  await ask('POST', `${ledger}/loads?id=example`, { body: rows, type: 'text/csv' });
  await ask('GET', `${ledger}/loads/example`);

  // The life of a quarter.
  const job = async (path: string, body: object) => {
    const { answer } = await ask('POST', path, { body });
    for (let id = answer.job?.id; id !== undefined; ) {
      const { state } = (await ask('GET', `/v1/jobs/${id}`)).answer;
      if (state === 'done' || state === 'failed') id = undefined;
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const [gone = ''] = inState('detached');
  const [closed = ''] = inState('closed');
  const newest = inState('closed').at(-1);
  await ask('GET', `/v1/quarters/${gone}/trial-balance`);
  await ask('GET', `/v1/quarters/${gone}/trial-balance.csv`);
  await ask(
    'GET',
    `/v1/quarters/${gone}/trial-balance/accounts?ledger=northwind&sort=debits&order=desc&limit=2`,
  );
  await ask('GET', `/v1/quarters/${gone}/transactions?ledger=northwind&limit=1`);
  await ask('GET', `/v1/quarters/${gone}`);
  await job(`/v1/quarters/${newest}/reopen`, { reason: 'an invoice came late' });
  await job(`/v1/quarters/${newest}/close`, {});
  await job(`/v1/quarters/${closed}/archive`, {});
  await job(`/v1/quarters/${closed}/verify`, {});
  await job(`/v1/quarters/${closed}/hold`, { reason: 'audit of 2025' });
  await job(`/v1/quarters/${closed}/unhold`, {});
  await job(`/v1/quarters/${closed}/detach`, {});
  await job(`/v1/quarters/${gone}/restore`, { reason: 'a question of the tax office' });
  await job(`/v1/quarters/${gone}/release`, {});
  await job(`/v1/quarters/${closed}/drop`, { reason: 'the retention is over', confirm: closed });
  await job(`/v1/quarters/${quarters.at(-1)?.quarter}/create`, {});
  await job(`/v1/quarters/${gone}/approve`, { dry_run: true });
  await ask('GET', `/v1/jobs?quarter=${closed}`);
  await ask('GET', '/v1/events?limit=2');
  await ask('POST', '/v1/queues/refresh-summaries/run');

  // A session of the page.
  const signedIn = await ask('POST', '/v1/session', { body: { key }, headers: { origin: url } });
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  const token = signedIn.answer?.csrf_token;
  if (cookie !== '') {
    await ask('DELETE', '/v1/session', { headers: { cookie, 'x-csrf-token': token, origin: url } });
  }
  return examples;
}

function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, SHOWN).map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shortened(member)]));
}

/** What nobody else should see, and what is of this machine alone. */
function masked(value: unknown, key: string): unknown {
  const text = JSON.stringify(value)
    .replaceAll(key, '$KEY')
    .replace(/"csrf_token":"[^"]*"/g, '"csrf_token":"…"')
    .replace(/file:\/\/[^"]*?\/store\//g, 'file:///archive/');
  return JSON.parse(text);
}
