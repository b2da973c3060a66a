import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { allows, type Identity, type Role } from '../core/access.ts';
import { AppError, assert, isAppError } from '../core/errors.ts';
import type { HttpHouse } from './house.ts';
import { RequestError } from './problem.ts';
import { valuesOf } from './raw-headers.ts';
import { readSessionCookie } from './session-cookie.ts';
import { requireCsrfToken, requireSameOrigin } from './session-origin.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. Without it everybody may, and nobody is asked who they are. */
    role?: Role;
    /** It tells of all ledgers at once: who is let into some only may not call it. */
    wholeHouse?: boolean;
    /** It has no role on purpose: it is for who has yet to say who they are. */
    everybody?: boolean;
  }
  interface FastifyRequest {
    /** Who calls; undefined on a route for everybody. */
    identity: Identity | undefined;
    /** Of who calls with the cookie of a session and no key. */
    session: { readonly secret: string; readonly expiresAt: Date } | undefined;
  }
}

/** The longest value of an Authorization header, in characters. */
const MAX_LENGTH = 8192;

/** RFC 6750, section 2.1, with the scheme in any case (RFC 9110, section 11.1). */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Lets a request through to a route whose `config.role` its token allows, in the ledger that the path names. Asked before
 * the ledger is looked up, so that the answer does not tell which ledgers there are, and before the body is read. Where there is
 * no Authorization header the cookie of a session says who calls.
 *
 * The hook throws
 * - unauthenticated/missing_token, unauthenticated/invalid_token, invalid/invalid_request (the header sent twice);
 * - unauthenticated/session_ended, and with the cookie, of methods that change something, forbidden/cross_site,
 *   forbidden/csrf_token_missing, forbidden/csrf_token_wrong;
 * - forbidden/forbidden;
 * - unavailable/… when nobody can say now whose token it is.
 */
export function authHook(house: Pick<HttpHouse, 'authenticate' | 'sessions'>): onRequestAsyncHookHandler {
  return async (request, reply) => {
    const { role, wholeHouse = false } = request.routeOptions.config;
    if (role === undefined) return;
    const challenge = (parameters: string) => challengeIn(reply, parameters);

    try {
      request.identity = (await bySession(house, request)) ?? (await byToken(house, request));
    } catch (error) {
      // What the challenge says is RFC 6750, section 3: who sent nothing of the kind is told of no error.
      if (isAppError(error, 'missing_token') || isAppError(error, 'session_ended')) challenge('');
      else if (isAppError(error, 'unauthenticated')) challenge(', error="invalid_token"');
      else if (isAppError(error, 'invalid')) challenge(', error="invalid_request"');
      throw error;
    }

    const { ledger } = request.params as { ledger?: string };
    requireRole(request, reply, role, ledger, wholeHouse);
  };
}

/**
 * Refuses who has not the role in a ledger. The hook asks for the ledger that the path names; a route that is told it
 * otherwise asks once more itself, before it looks the ledger up.
 *
 * @throws AppError forbidden/forbidden
 */
export function requireRole(
  { identity }: FastifyRequest,
  reply: FastifyReply,
  role: Role,
  ledger: string | undefined,
  wholeHouse = false,
): void {
  assert(identity, 'the route asks nobody who they are');
  if (allows(identity, role, ledger) && !(wholeHouse && identity.ledgers !== null)) return;
  challengeIn(reply, `, error="insufficient_scope", scope="${role}"`);
  throw new AppError('forbidden', 'forbidden', refusalOf(identity, role, ledger));
}

/** Of a request without a key and with the cookie of a session; undefined of any other. */
async function bySession(
  { sessions }: Pick<HttpHouse, 'sessions'>,
  request: FastifyRequest,
): Promise<Identity | undefined> {
  if (sessions === undefined || valuesOf(request.raw.rawHeaders, 'authorization').length > 0)
    return undefined;
  const secret = readSessionCookie(request);
  if (secret === undefined) return undefined;
  // It can only make a session shorter, so the word of the client is taken for it.
  const unattended = valuesOf(request.raw.rawHeaders, 'x-unattended').length > 0;
  const { identity, expiresAt } = await sessions.find(secret, { unattended });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    requireSameOrigin(request);
    requireCsrfToken(request, secret);
  }
  request.session = { secret, expiresAt };
  return identity;
}

function byToken(
  { authenticate }: Pick<HttpHouse, 'authenticate'>,
  request: FastifyRequest,
): Promise<Identity> {
  return authenticate(readToken(request.raw.rawHeaders));
}

/** Bearer is a scheme for which no browser opens a dialog: the page asks for the key itself. */
function challengeIn(reply: FastifyReply, parameters: string): void {
  reply.header('www-authenticate', `Bearer realm="quartermaster"${parameters}`);
}

/** The token of a request, from its raw headers. */
function readToken(rawHeaders: readonly string[]): string {
  const [value, second] = valuesOf(rawHeaders, 'authorization');
  if (second !== undefined) {
    throw new RequestError('invalid_request', [
      { header: 'Authorization', detail: 'is sent more than once' },
    ]);
  }
  if (value === undefined || !/^bearer(?: |$)/i.test(value)) {
    const detail = 'The request needs a key: send it as Authorization: Bearer <key>.';
    throw new AppError('unauthenticated', 'missing_token', detail);
  }
  const token = value.length > MAX_LENGTH ? undefined : BEARER.exec(value)?.[1];
  if (token !== undefined) return token;
  const detail = `The Authorization header is not \`Bearer <key>\` of at most ${MAX_LENGTH} characters.`;
  throw new AppError('unauthenticated', 'invalid_token', detail);
}

function refusalOf({ name, roles, ledgers }: Identity, role: Role, ledger: string | undefined): string {
  const where = ledger === undefined ? 'for all ledgers' : `in the ledger ${ledger}`;
  const has = roles.length === 0 ? 'no role' : `the role ${roles.join(', ')}`;
  const covered = ledgers === null ? 'all ledgers' : ledgers.length === 0 ? 'no ledger' : ledgers.join(', ');
  return `This needs the role ${role} ${where}; ${name} has ${has} in ${covered}.`;
}
