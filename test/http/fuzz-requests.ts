import fc from 'fast-check';
import type { InjectOptions } from 'fastify';
import {
  account,
  anything,
  bodies,
  day,
  hostileText,
  id,
  instant,
  text,
  transaction,
} from './fuzz-values.ts';

/** Puts anything in one place or two of a value. */
function spoilt(good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const steps = fc.array(fc.nat(9), { minLength: 1, maxLength: 5 });
  return fc
    .tuple(good, fc.array(fc.tuple(steps, anything, fc.boolean()), { maxLength: 2 }))
    .map(([value, faults]) => {
      const spoiling = structuredClone(value);
      for (const [path, fault, add] of faults) {
        let holder = spoiling as object;
        let name = '';
        for (const step of path) {
          const names = Object.keys(holder);
          name = names[step % Math.max(names.length, 1)] ?? 'x';
          const next: unknown = Reflect.get(holder, name);
          if (typeof next !== 'object' || next === null) break;
          if (step !== path.at(-1)) holder = next;
        }
        Reflect.set(holder, add ? `extra_${name}` : name, structuredClone(fault));
      }
      return spoiling;
    });
}

/** JSON as nobody means it: names twice, numbers no double holds, NaN, depth, a mark before it, no end. */
const bentText = fc
  .tuple(
    spoilt(transaction).map((body) => JSON.stringify(body) ?? ''),
    fc.constantFrom<(json: string) => string>(
      (json) => json,
      (json) => json.replace('{', '{"postings":[],"postings":1,"user_id":null,'),
      (json) => json.replace(/"amount":[^,}]*/, '"amount":9007199254740993'),
      (json) => json.replace(/"amount":[^,}]*/, '"amount":1e400'),
      (json) => json.replace(/"amount":[^,}]*/, '"amount":NaN'),
      (json) => json.replace(/"amount":[^,}]*/, '"amount":1.0'),
      (json) => `\ufeff${json}`,
      (json) => json.slice(0, -1),
      (json) => `${'['.repeat(5000)}${json}${']'.repeat(5000)}`,
      (json) => json.replace('{', `{"metadata":${'{"a":'.repeat(35)}1${'}'.repeat(35)},`),
      (json) => json.replace('{', '{"__proto__":{"admin":true},'),
      (json) => json.replace('{', '{"constructor":{"prototype":{"admin":true}},'),
      () => `[${Array(30_000).fill(1).join()}]`,
    ),
  )
  .map(([json, bend]) => Buffer.from(bend(json)));

const bytes = fc.oneof(
  fc.uint8Array().map((array) => Buffer.from(array)),
  fc.json().map((json) => Buffer.from(json)),
  bentText,
);

const headerText = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) }),
  fc.constantFrom('"k"', 'k', '16/B374D848', '', 'x'.repeat(300)),
);

const headers = fc
  .record(
    {
      'idempotency-key': headerText,
      'x-request-id': headerText,
      'x-ledger-position': fc.oneof(headerText, fc.constant('0/1')),
      'content-type': fc.constantFrom(
        'application/json; charset=utf-8',
        'text/plain',
        'application/json;;',
        '/',
        '\xff',
      ),
      accept: headerText,
      authorization: fc.constantFrom('', 'Bearer', 'Bearer nobody', 'Basic x', `Bearer ${'x'.repeat(9000)}`),
    },
    { requiredKeys: [] },
  )
  // Most requests get past the door.
  .chain((all) => fc.tuple(fc.constant(all), fc.subarray(Object.keys(all))))
  .map(([all, kept]) => Object.fromEntries(kept.map((name) => [name, all[name as keyof typeof all] ?? ''])));

const percent = fc.oneof(
  hostileText.map((some) => encodeURIComponent(some.toWellFormed())),
  fc.webSegment(),
  fc.constantFrom(
    '%',
    '%E0%A4%A',
    '%ff',
    '%00',
    '%2e%2e',
    '%2F',
    'a%3Ab',
    'x'.repeat(1300),
    '+',
    '%u0041',
    ';',
  ),
);

const parameters: Record<string, fc.Arbitrary<string>> = {
  ledger: fc.constantFrom('main', 'main', 'main', 'main', 'elsewhere', 'Main'),
  account: account.map(encodeURIComponent),
  quarter: fc.constantFrom('2026q1', '2026q1', '2026q1', '2026q5', '0000q1', '26q1'),
  name: fc.constantFrom('quarter-tick', 'quarter-tick', 'Quarter', 'nobody'),
};

const values: Record<string, fc.Arbitrary<string>> = {
  user_id: text,
  status: fc.constantFrom('SUCCESS', 'FAILED', 'PENDING', 'pending'),
  from: fc.oneof(instant, day, day),
  to: fc.oneof(instant, day, day),
  at: fc.oneof(instant, day),
  reference_prefix: text,
  account,
  currency: fc.constantFrom('EUR', 'USD', 'eur'),
  quarter: fc.constantFrom('2026q1', '2026q0'),
  ledger: fc.constantFrom('main', 'other'),
  moved: fc.constantFrom('true', 'yes'),
  limit: fc.constantFrom('1', '1000', '1001', '0'),
  cursor: fc.oneof(
    text,
    fc.base64String(),
    fc.json().map((json) => Buffer.from(json).toString('base64url')),
  ),
  include_total: fc.constantFrom('true', 'false'),
  group_by: fc.constantFrom('day', 'week', 'month', 'quarter', 'year'),
  entity_id: fc.oneof(fc.constantFrom('alice', 'bob'), text),
  group_type: fc.constantFrom('WALLET', 'WALLET,B', ','),
  phone: fc.constantFrom('+49151', '+1', '49'),
  actor: fc.oneof(fc.constantFrom('ada', 'schedule'), text),
  account_prefix: fc.oneof(fc.constantFrom('user-', 'bank:'), text),
  sort: fc.constantFrom('account', 'opening', 'debits', 'credits', 'closing', 'name'),
  order: fc.constantFrom('asc', 'desc', 'up'),
  id: fc.constantFrom('1', '1,2', '9223372036854775807', '1,,2'),
};

const query = fc
  .array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc
          .constantFrom(...Object.keys(values))
          .chain((name) =>
            (values[name] ?? text).map((value) => `${name}=${encodeURIComponent(value.toWellFormed())}`),
          ),
      },
      { weight: 1, arbitrary: fc.tuple(percent, percent).map((pair) => pair.join('=')) },
    ),
    { maxLength: 3 },
  )
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.join('&')}`));

/** Queries that a route of this path takes as they are, now and then. */
const goodQueries: Record<string, string> = {
  daily: '?from=2026-01-01&to=2026-01-31',
  groups: '?from=2026-01-01&to=2026-01-31',
  statement: '?from=2026-01-01',
  accounts: '?entity_id=alice',
  loads: '?id=l',
  '/v1/quarters/:quarter/transactions': '?ledger=main',
  '/v1/quarters/:quarter/trial-balance/accounts': '?sort=closing&order=desc&moved=true',
  '/v1/events': '?limit=2',
};

/** A request to one of the routes, more or less as it is meant. */
export function requestTo(
  routes: readonly { method: string; url: string }[],
  ids: { readonly pending: readonly string[]; readonly booked: readonly string[] },
): fc.Arbitrary<{ route: string; request: InjectOptions }> {
  return fc.constantFrom(...routes).chain(({ method, url }) => {
    const parts = url.split('/').map((part) => {
      if (!part.startsWith(':')) return fc.constant(part);
      const here = /settle|void/.test(url) ? ids.pending : ids.booked;
      const there = fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...here) },
        { weight: 1, arbitrary: id },
      );
      const known = part === ':id' ? there : parameters[part.slice(1)];
      const good = known ?? percent;
      return fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: percent });
    });
    const end = Object.keys(bodies).find((name) => url.endsWith(`/${name}`));
    const good = end === undefined ? fc.constant({}) : (bodies[end] ?? fc.constant({}));
    const payload = fc.oneof(
      { weight: 4, arbitrary: good.map((body) => Buffer.from(JSON.stringify(body))) },
      { weight: 4, arbitrary: spoilt(good).map((body) => Buffer.from(JSON.stringify(body) ?? '')) },
      { weight: 2, arbitrary: bytes },
      { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
    );
    const type = url.endsWith('/loads') ? 'text/csv' : 'application/json';
    const asked = fc.oneof(
      query,
      fc.constant(goodQueries[url] ?? goodQueries[url.split('/').pop() ?? ''] ?? ''),
    );
    return fc
      .tuple(
        fc.tuple(...parts),
        asked,
        fc.oneof(fc.constant({}), headers),
        method === 'POST' ? payload : fc.constant(undefined),
      )
      .map(([path, search, given, body]) => ({
        route: `${method} ${url}`,
        request: {
          method: method as 'GET',
          url: path.join('/') + search,
          headers: body === undefined ? given : { 'content-type': type, ...given },
          ...(body === undefined ? {} : { payload: body }),
        },
      }));
  });
}
