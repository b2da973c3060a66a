import { describe, expect, it } from 'vitest';
import { AppError, type ErrorKind } from '../../src/core/errors.ts';
import { toAppError } from '../../src/db/sqlstate.ts';
import { createApp } from '../../src/http/app.ts';
import type { HttpHouse } from '../../src/http/house.ts';
import { emptyHouse, inject, type LogLine, payment, post, problemIn, recordingLogger } from './house.ts';

const path = '/v1/ledgers/main/transactions';

/** An app whose `post` throws what is given. */
function failing(error: unknown, lines: LogLine[] = []) {
  const parts: Partial<HttpHouse> = {
    logger: recordingLogger(lines),
    post: async () => {
      throw error;
    },
  };
  return createApp(emptyHouse(parts));
}

/** What node-postgres throws. */
function serverError(code: string, message: string, fields: object = {}): Error {
  return Object.assign(new Error(message), { severity: 'ERROR', code, ...fields });
}

describe('an error of each kind', () => {
  const cases: [ErrorKind, string, number, boolean, boolean][] = [
    // kind, code, status, whether its own words are told, whether to try again
    ['invalid', 'before_oldest', 400, true, false],
    ['invalid', 'idempotency_key_reused', 422, true, false],
    ['refused', 'insufficient_funds', 422, true, false],
    ['refused', 'quarter_closed', 409, true, false],
    ['conflict', 'quarter_state', 409, true, false],
    ['not_found', 'no_such_quarter', 404, true, false],
    ['busy', 'queue_full', 503, true, true],
    ['unavailable', 'no_partition', 503, true, true],
    ['aborted', 'aborted', 503, true, true],
    ['config', 'not_migrated', 500, false, false],
    ['corrupt', 'digest_differs', 500, false, false],
    ['internal', 'assertion_failed', 500, false, false],
  ];
  it.each(cases)('%s/%s has status %i', async (kind, code, status, told, again) => {
    const app = failing(new AppError(kind, code, 'Just so.'));
    const response = await post(app, payment);
    const problem = problemIn(response, status, code);
    expect(problem.detail === 'Just so.').toBe(told);
    expect(problem.detail).not.toBe('');
    expect(/^[1-9]\d*$/.test(String(response.headers['retry-after']))).toBe(again);
  });

  it('is the same when it comes as a refusal', async () => {
    const error = new AppError('refused', 'insufficient_funds', 'Too little.');
    const app = createApp(emptyHouse({ post: async () => ({ results: [{ kind: 'refused', error }] }) }));
    expect(problemIn(await post(app, payment), 422, 'insufficient_funds').title).toBe('Insufficient funds');
  });
});

describe('what must not be told', () => {
  const secret = 'SELECT hush FROM ledger.balances';
  it.each([
    ['a bug', new Error(secret), 500, 'internal'],
    ['something that is no error', secret, 500, 'internal'],
    ['nothing at all', undefined, 500, 'internal'],
    ['a failed assertion', new AppError('internal', 'assertion_failed', secret), 500, 'assertion_failed'],
    ["PostgreSQL's words", toAppError(serverError('42601', secret)), 500, 'database_error'],
    ["PostgreSQL's words, not yet ours", serverError('22P02', secret), 400, 'invalid_value'],
    ["PostgreSQL's words about a lock", toAppError(serverError('55P03', secret)), 503, 'lock_timeout'],
    ["PostgreSQL's words about a duplicate", toAppError(serverError('23505', secret)), 409, 'already_exists'],
    [
      'where the database is',
      Object.assign(new Error(secret), { code: 'ECONNREFUSED' }),
      503,
      'database_unavailable',
    ],
  ])('%s stays in the log', async (_, error, status, code) => {
    const lines: LogLine[] = [];
    const response = await post(failing(error, lines), payment, { 'x-request-id': 'quote-me' });
    const problem = problemIn(response, status, code);
    expect(response.body).not.toContain('hush');
    expect(response.body).not.toContain(' at ');
    expect(problem.instance).toBe('urn:quartermaster:request:quote-me');
    if (status < 500) return;
    const logged = lines.filter((line) => line.message === 'request failed');
    expect(logged).toEqual([
      expect.objectContaining({ request_id: 'quote-me', level: status === 500 ? 'error' : 'warn', code }),
    ]);
    const { err } = logged[0] as unknown as { err: Error };
    if (error !== undefined) expect(`${err.message} ${String(err.cause)}`).toContain('hush');
  });

  it('a closed quarter is told in our words though PostgreSQL found it out', async () => {
    const error = serverError('23514', 'violates check constraint', { constraint: 'quarter_closed' });
    const problem = problemIn(await post(failing(toAppError(error)), payment), 409, 'quarter_closed');
    expect(problem.detail).toContain('effective_at');
  });
});

describe('every answer', () => {
  it('forbids caching, sniffing and running, and does not name the software', async () => {
    const app = createApp(emptyHouse());
    for (const url of ['/healthz', '/nowhere', '/openapi.json', `${path}/%E0%A4%A`]) {
      const { headers } = await inject(app, { url });
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(headers).not.toHaveProperty('server');
    }
  });

  it('carries the request id that was sent, if it is a sane one, else one of ours', async () => {
    const app = createApp(emptyHouse());
    const idFor = async (id: string) =>
      (await inject(app, { url: '/healthz', headers: { 'x-request-id': id } })).headers['x-request-id'];
    for (const id of ['a', 'A.b_c-9', 'x'.repeat(128)]) expect(await idFor(id)).toBe(id);
    for (const id of ['', 'a b', 'a,b', 'x'.repeat(129), 'é', '<script>']) {
      expect(await idFor(id)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('is one line in the log, with the route and not what stands in its place', async () => {
    const lines: LogLine[] = [];
    const app = createApp(emptyHouse({ logger: recordingLogger(lines) }));
    await inject(app, {
      url: `${path}/0199d5d0-0000-7000-8000-000000000000?secret=1`,
      headers: { 'x-request-id': 'r1' },
    });
    await inject(app, { url: '/nowhere?secret=1', headers: { 'x-request-id': 'r2' } });
    await inject(app, { url: '/%E0%A4%A', headers: { 'x-request-id': 'r3' } });
    await inject(app, { url: '/healthz', headers: { 'x-request-id': 'r4' } });
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'request',
        request_id: 'r1',
        method: 'GET',
        route: `${path.replace('main', ':ledger')}/:id`,
        status: 404,
        code: 'transaction_not_found',
        caller: 'test',
        ms: expect.any(Number),
      },
      expect.objectContaining({
        level: 'info',
        request_id: 'r2',
        route: undefined,
        status: 404,
        code: 'no_such_route',
      }),
      expect.objectContaining({ level: 'info', request_id: 'r3', status: 400, code: 'invalid_path' }),
      expect.objectContaining({
        level: 'debug',
        request_id: 'r4',
        route: '/healthz',
        status: 200,
        code: undefined,
      }),
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });
});
