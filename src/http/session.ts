import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { type Identity, ROLES } from '../core/access.ts';
import { assert, isAppError } from '../core/errors.ts';
import type { App } from './app-type.ts';
import { clientOf } from './client-address.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { MaybeInstant, MaybeText } from './quarter-json.ts';
import { valuesOf } from './raw-headers.ts';
import { clearedCookies, readSessionCookie, sessionCookies } from './session-cookie.ts';
import { csrfTokenOf, requireCsrfToken, requireSameOrigin } from './session-origin.ts';

const Session = Type.Object({
  name: Type.String({ description: 'who asks, as events and the log have it' }),
  roles: Type.Array(Type.Enum([...ROLES])),
  ledgers: Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'null: all of them' }),
  csrf_token: MaybeText(
    'sent back as X-CSRF-Token with each request that changes something; null where a key is sent and no cookie',
  ),
  expires_at: MaybeInstant('when one has to sign in again; null where a key is sent'),
});

const SignIn = Type.Object(
  {
    key: Type.String({
      minLength: 1,
      maxLength: 8192,
      description: 'a key that `quartermaster keys create` printed, or a JSON web token',
    }),
  },
  { additionalProperties: false },
);

const answer = (description: string) => ({
  200: { description, content: { 'application/json': { schema: Session } } },
});

const read = {
  operationId: 'getSession',
  tags: ['session'],
  summary: 'Read who is asking',
  response: answer('Who it is.'),
};

const signIn = {
  operationId: 'signIn',
  tags: ['session'],
  summary: 'Sign in with a key',
  description:
    'For the page that people look at: the key is sent once, and the answer sets a cookie that scripts cannot read, for eight hours at most and one hour without use: a request with the header X-Unattended does not count as use, with which the page marks what it asks while nobody is at it. Programs send their key with each request instead.',
  body: SignIn,
  response: {
    ...answer('Who is signed in now.'),
    ...problems(400, 401, 403, 415, 429, 500, 503),
  },
};

const signOut = {
  operationId: 'signOut',
  tags: ['session'],
  summary: 'Sign out',
  description:
    'The session ends at once, and in other processes within ten seconds. Without one nothing is done, and the cookie is taken away all the same. A session that goes on needs X-CSRF-Token.',
  response: {
    204: Type.Null({ description: 'Nobody is signed in any more.' }),
    ...problems(403, 500, 503),
  },
};

/** Signing in to the page, signing out of it, and who one is. */
export function sessionRoutes(app: App, { sessions, signInAttempts: attempts }: HttpHouse): void {
  app.get('/v1/session', { schema: read, config: { role: 'reader' } }, async (request, reply) => {
    assert(request.identity, 'a route with a role knows who calls');
    return reply.send(sessionJson(request.identity, request.session));
  });
  if (sessions === undefined) return;

  app.post(
    '/v1/session',
    { schema: signIn, config: { everybody: true }, onRequest: refuseForeign },
    async (request, reply) => {
      const client = clientOf(request);
      attempts?.take(client);
      const had = readSessionCookie(request);
      const { secret, identity, expiresAt, seconds } = await sessions
        .signIn(request.body.key, had)
        .catch((error: unknown) => {
          // That the database is away is no fault of who asks.
          if (!isAppError(error, 'unauthenticated')) attempts?.forgive(client);
          else reply.header('www-authenticate', 'Bearer realm="quartermaster", error="invalid_token"');
          throw error;
        });
      attempts?.forgive(client);
      // For the line of the log.
      request.identity = identity;
      return reply
        .header('set-cookie', sessionCookies(request, secret, seconds))
        .send(sessionJson(identity, { secret, expiresAt }));
    },
  );

  app.delete(
    '/v1/session',
    // Who was signed in and is no more is rid of the cookie too, so nobody is asked who they are.
    { schema: signOut, config: { everybody: true }, onRequest: refuseForeign },
    async (request, reply) => {
      const hasKey = valuesOf(request.raw.rawHeaders, 'authorization').length > 0;
      const secret = hasKey ? undefined : readSessionCookie(request);
      const found = secret === undefined ? undefined : await sessions.find(secret).catch(ofEnded);
      if (secret !== undefined && found !== undefined) {
        requireCsrfToken(request, secret);
        request.identity = found.identity;
        await sessions.signOut(secret, found.identity.name);
      }
      return reply.header('set-cookie', clearedCookies(request)).code(204).send(null);
    },
  );
}

function ofEnded(error: unknown): undefined {
  if (!isAppError(error, 'session_ended')) throw error;
}

/** Before the body is read: a page of another site may not sign the person in as somebody else either. */
async function refuseForeign(request: FastifyRequest): Promise<void> {
  requireSameOrigin(request);
}

function sessionJson(
  { name, roles, ledgers }: Identity,
  session: FastifyRequest['session'],
): Static<typeof Session> {
  return {
    name,
    roles: [...roles],
    ledgers: ledgers === null ? null : [...ledgers],
    csrf_token: session === undefined ? null : csrfTokenOf(session.secret),
    expires_at: session === undefined ? null : session.expiresAt.toISOString(),
  };
}
