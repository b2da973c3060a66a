import fc from 'fast-check';
import Value from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, createApp } from '../../src/http/app.ts';
import { TransactionAnswer } from '../../src/http/transaction-json.ts';
import { type Book, brokenRules } from '../ledger/fixture.ts';
import { inject, openHouse, post, problemIn } from './house.ts';

let book: Book;
let app: App;

beforeAll(async () => {
  const opened = await openHouse();
  book = opened.book;
  app = createApp(opened.house);
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await book.close();
});

describe('whatever is sent', () => {
  const anything = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom<unknown>(
      -1,
      1.5,
      2 ** 53,
      1e308,
      '9223372036854775808',
      '0',
      '007',
      '\0',
      '\ud800',
      {},
      [],
    ),
  );
  const posting = fc.record({
    from: fc.constantFrom('alice:WALLET', 'alice:WALLET', 'alice:WALLET', 'bob:WALLET', 'nobody:WALLET'),
    to: fc.constantFrom('bob:WALLET', 'bob:WALLET', 'bob:WALLET', 'alice:WALLET'),
    amount: fc.oneof(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 100 }).map(String),
      fc.bigInt({ min: 1n, max: 2n ** 63n }).map(String),
    ),
    currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'EUR', 'USD'),
  });
  const text = fc.string({ unit: 'grapheme' }).map((some) => some.replace(/\p{Cc}/gu, ''));
  const day = { noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') };
  const body = fc.record(
    {
      postings: fc.array(posting, { minLength: 1, maxLength: 2 }),
      user_id: text,
      status: fc.constantFrom('SUCCESS', 'FAILED'),
      reference_code: text,
      description: text,
      effective_at: fc.date(day).map((date) => date.toISOString()),
      metadata: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.array(fc.constant(null)))),
    },
    { requiredKeys: ['postings'] },
  );
  const places = ['from', 'to', 'amount', 'currency'].map((name) => ['postings', 0, name]);
  const place = fc.oneof(
    fc.constantFrom<(string | number)[]>(...places, ['postings', 1], ['postings', 0, 'extra']),
    fc
      .constantFrom('postings', 'user_id', 'status', 'effective_at', 'metadata', 'extra')
      .map((name) => [name]),
    fc.tuple(fc.constantFrom('metadata', 'postings'), fc.string({ unit: 'binary' })),
  );
  /** A good body in which nothing, or anything in one place or two, was put. */
  const nearlyRight = fc
    .tuple(body, fc.array(fc.tuple(place, anything), { maxLength: 2 }))
    .map(([good, faults]) => {
      const spoilt = JSON.parse(JSON.stringify(good));
      for (const [path, value] of faults) {
        let holder = spoilt;
        for (const step of path.slice(0, -1)) holder = Object(holder)[step] ?? {};
        Reflect.set(Object(holder), path.at(-1) ?? '', structuredClone(value));
      }
      return spoilt;
    });

  /** A success as documented or a problem of the client's, never a failure of ours. */
  function judge(response: Awaited<ReturnType<typeof inject>>): void {
    const answer = response.json();
    if (response.statusCode === 201) expect(Value.Errors(TransactionAnswer, answer)).toEqual([]);
    else {
      expect(response.statusCode, response.body).toBeLessThan(500);
      // What only the database found out, nobody had thought of.
      expect(answer.code, response.body).not.toBe('invalid_value');
      problemIn(response, response.statusCode, answer.code);
    }
  }

  it('in bodies that are nearly right, the answer is documented', async () => {
    const seen = new Set<number>();
    await fc.assert(
      fc.asyncProperty(nearlyRight, async (sent) => {
        const response = await post(app, sent);
        seen.add(response.statusCode);
        judge(response);
      }),
      { numRuns: 600 },
    );
    // It is no fuzz if it never gets past the door.
    expect([...seen].sort()).toEqual([201, 400, 422]);
    expect(await brokenRules(book.db)).toEqual([]);
  });

  it('in bytes, headers and paths, the answer is documented', async () => {
    const bytes = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      fc.string().map((text) => Buffer.from(text)),
    );
    const header = fc.string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
    });
    const part = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => encodeURIComponent(text.toWellFormed())),
      fc.webSegment(),
      fc.constant('main'),
      fc.uuid(),
    );
    await fc.assert(
      fc.asyncProperty(bytes, header, part, part, async (payload, key, ledger, id) => {
        const headers = { 'content-type': 'application/json', 'idempotency-key': key, 'x-request-id': key };
        const url = `/v1/ledgers/${ledger}/transactions`;
        judge(await inject(app, { method: 'POST', url, headers, payload }));
        judge(await inject(app, { url: `${url}/${id}`, headers: { 'x-request-id': key } }));
      }),
      { numRuns: 300 },
    );
  });
});
