import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll } from 'vitest';
import type { Role } from '../../src/core/access.ts';
import type { Clock } from '../../src/core/clock.ts';
import { createApp } from '../../src/http/app.ts';
import { type AuthenticatorOptions, createCredentials } from '../../src/http/authenticator.ts';
import { createSessions } from '../../src/http/sessions.ts';
import { createAttempts } from '../../src/http/sign-in-attempts.ts';
import { createKey, findKeys, type Key } from '../../src/ledger/keys.ts';
import {
  endSession,
  findSessions,
  openSession,
  recordRefusedSignIn,
  seeSession,
} from '../../src/ledger/sessions.ts';
import { type Book, openBook } from '../ledger/fixture.ts';
import { houseOf, type LogLine } from './house.ts';

export type Answer = LightMyRequestResponse;

/** What a browser says of a request that a page of the same origin makes. */
export const own = {
  host: '127.0.0.1:7070',
  'sec-fetch-site': 'same-origin',
  origin: 'http://127.0.0.1:7070',
};

/** A process of the API: what it remembers is its own, the database is that of all. */
export interface Pod {
  readonly lines: LogLine[];
  ask(
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    headers?: Record<string, string>,
    body?: unknown,
    remoteAddress?: string,
  ): Promise<Answer>;
  /** With these headers and no others. */
  bare(method: 'GET' | 'POST', url: string, headers: Record<string, string>, body?: unknown): Promise<Answer>;
  signIn(key: string, headers?: Record<string, string>, remoteAddress?: string): Promise<Answer>;
  /** Where it listens from now on, for what has to be sent byte by byte. */
  listen(): Promise<string>;
}

export interface PodOptions {
  readonly extra?: readonly Key[];
  readonly jwt?: AuthenticatorOptions['jwt'];
  readonly trustedProxies?: readonly string[];
}

/** Registers the hooks of a ledger with keys, and a clock that all pods share. */
export function useSignIn() {
  let book: Book;
  let ms = Date.now();
  const clock: Clock = { now: () => new Date(ms) };
  const apps: FastifyInstance[] = [];
  beforeAll(async () => {
    book = await openBook();
  });
  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await book?.close();
  });
  return {
    get book() {
      return book;
    },
    clock,
    wait: (seconds: number) => {
      ms += seconds * 1000;
    },
    pod: ({ trustedProxies, ...options }: PodOptions = {}): Pod => {
      const db = book.as('api').write;
      const lines: LogLine[] = [];
      const credentials = createCredentials({ findKeys: (ids) => findKeys(db, ids), clock, ...options });
      const app = createApp({
        ...houseOf(book, lines),
        authenticate: async (token) => (await credentials.open(token)).identity,
        sessions: createSessions({
          credentials,
          clock,
          table: {
            open: (row, by) => openSession(db, row, by),
            find: (ids, at) => findSessions(db, ids, at),
            see: (id, at) => seeSession(db, id, at),
            end: (id, by) => endSession(db, id, by),
            refused: (keyId, ofProcess) => recordRefusedSignIn(db, keyId, ofProcess),
          },
        }),
        signInAttempts: createAttempts(clock),
        ...(trustedProxies && { trustedProxies }),
      }) as unknown as FastifyInstance;
      apps.push(app);
      const ask: Pod['ask'] = (method, url, headers = {}, body = undefined, remoteAddress = '127.0.0.1') =>
        app.inject({ method, url, headers: { ...own, ...headers }, payload: body as object, remoteAddress });
      return {
        lines,
        ask,
        bare: (method, url, headers, body) => app.inject({ method, url, headers, payload: body as object }),
        listen: () => app.listen({ host: '127.0.0.1', port: 0 }),
        signIn: (key, headers, address) => ask('POST', '/v1/session', headers, { key }, address),
      };
    },
    key: (name: string, roles: readonly Role[] = ['admin'], expiresAt: Date | null = null) =>
      createKey(book.db, { name, roles, ledgers: null, expiresAt }),
    /** What the story of the house says since the test began to look. */
    events: async (actor: string) =>
      (
        await book.db
          .selectFrom('quartermaster.house_events')
          .select(['event', 'detail'])
          .where('actor', '=', actor)
          .orderBy('id')
          .execute()
      ).map(({ event, detail }) => ({ event, detail })),
  };
}

/** The cookie that an answer set, as the browser sends it back, and all that was said of it. */
export function cookieOf(answer: Answer): { cookie: string; attributes: string[] } {
  const [pair = '', ...attributes] = String(answer.headers['set-cookie']).split('; ');
  return { cookie: pair, attributes };
}

/** What the page sends with what changes something. */
export function pageHeaders(answer: Answer): Record<string, string> {
  return { cookie: cookieOf(answer).cookie, 'x-csrf-token': answer.json().csrf_token };
}
