import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import Value from 'typebox/value';
import { expect } from 'vitest';
import type { App } from '../../src/http/app.ts';
import { createApp } from '../../src/http/app.ts';
import type { HttpHouse } from '../../src/http/house.ts';
import { Problem } from '../../src/http/problem.ts';
import { findLedger } from '../../src/ledger/ledgers.ts';
import { readTransaction } from '../../src/ledger/transactions.ts';
import type { Logger } from '../../src/platform/logger.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A logger that remembers what it is told. */
export function recordingLogger(lines: LogLine[], bound: object = {}): Logger {
  const at =
    (level: string) =>
    (fields: object | string, message = '') =>
      lines.push(
        typeof fields === 'string'
          ? { level, ...bound, message: fields }
          : { level, ...bound, ...fields, message },
      );
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
  return {
    level: 'trace',
    ...Object.fromEntries(levels.map((level) => [level, at(level)])),
    child: (fields: object) => recordingLogger(lines, { ...bound, ...fields }),
  } as unknown as Logger;
}

/** A house with one ledger, `main`, in which nothing can be posted: for what needs no database. */
export function emptyHouse(parts: Partial<HttpHouse> = {}): HttpHouse {
  return {
    version: '1.2.3',
    logger: recordingLogger([]),
    checks: [],
    findLedger: async (name) => (name === 'main' ? { id: 1, name } : undefined),
    post: async () => {
      throw new Error('nothing is posted here');
    },
    readTransaction: async () => undefined,
    ...parts,
  };
}

/** A house on a database of its own: alice may go as far below zero as she likes, bob may not. */
export async function openHouse(): Promise<{ book: Book; house: HttpHouse; lines: LogLine[] }> {
  const book = await openBook();
  const now = new Date();
  await book.ensureQuarters(now, new Date(now.getTime() + 100 * 86_400_000));
  await book.open(
    { address: 'alice:WALLET', currency: 'EUR', minBalance: null },
    { address: 'bob:WALLET', currency: 'EUR', minBalance: 0n },
  );
  const lines: LogLine[] = [];
  return { book, lines, house: houseOf(book, lines) };
}

/** As the process wires it, without the batching. */
export function houseOf({ db, poster }: Book, lines: LogLine[] = []): HttpHouse {
  return emptyHouse({
    logger: recordingLogger(lines),
    findLedger: (name) => findLedger(db, name),
    post: async (ledgerId, request) => {
      const [result] = await poster.post(ledgerId, [request]);
      if (!result) throw new Error('no result');
      return result;
    },
    readTransaction: (ledgerId, id) => readTransaction(db, ledgerId, id),
  });
}

export const payment = {
  postings: [{ from: 'alice:WALLET', to: 'bob:WALLET', amount: '1250', currency: 'EUR' }],
};

export function post(
  app: App,
  body: unknown,
  headers: Record<string, string> = {},
  ledger = 'main',
): Promise<LightMyRequestResponse> {
  const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return inject(app, {
    method: 'POST',
    url: `/v1/ledgers/${ledger}/transactions`,
    headers: { 'content-type': 'application/json', ...headers },
    payload,
  });
}

export function inject(app: App, request: InjectOptions): Promise<LightMyRequestResponse> {
  return (app as unknown as FastifyInstance).inject(request);
}

/** Reads an answer as the problem it must be: of this status and code, and complete. */
export function problemIn(
  response: { statusCode: number; headers: Record<string, unknown>; body: string },
  status: number,
  code: string,
): Problem {
  const problem = JSON.parse(response.body);
  expect(problem).toMatchObject({ status, code });
  expect(response.statusCode).toBe(status);
  expect(response.headers['content-type']).toBe('application/problem+json');
  expect(Value.Errors(Problem, problem)).toEqual([]);
  expect(problem.type).toBe(`urn:quartermaster:problem:${code}`);
  expect(problem.instance).toBe(`urn:quartermaster:request:${response.headers['x-request-id']}`);
  return problem;
}

export { createApp };
