import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { type Identity, ROLES } from '../core/access.ts';
import { assert, isAppError } from '../core/errors.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { MaybeInstant, MaybeText } from './quarter-json.ts';
import { clearedCookie, readSessionCookie, sessionCookie } from './session-cookie.ts';
import { csrfTokenOf, requireSameOrigin } from './session-origin.ts';

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
    'For the page that people look at: the key is sent once, and the answer sets a cookie that scripts cannot read, for eight hours at most and one hour without a request. Programs send their key with each request instead.',
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
    'The session ends at once, and in other processes within ten seconds. Without one nothing is done.',
  response: { 204: Type.Null({ description: 'Nobody is signed in any more.' }) },
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
      attempts?.take(request.ip);
      const had = readSessionCookie(request);
      const { secret, identity, expiresAt, seconds } = await sessions
        .signIn(request.body.key, had)
        .catch((error: unknown) => {
          // That the database is away is no fault of who asks.
          if (!isAppError(error, 'unauthenticated')) attempts?.forgive(request.ip);
          else reply.header('www-authenticate', 'Bearer realm="quartermaster", error="invalid_token"');
          throw error;
        });
      attempts?.forgive(request.ip);
      // For the line of the log.
      request.identity = identity;
      return reply
        .header('set-cookie', sessionCookie(request, secret, seconds))
        .send(sessionJson(identity, { secret, expiresAt }));
    },
  );

  app.delete('/v1/session', { schema: signOut, config: { role: 'reader' } }, async (request, reply) => {
    const { session, identity } = request;
    if (session && identity) await sessions.signOut(session.secret, identity.name);
    return reply.header('set-cookie', clearedCookie(request)).code(204).send(null);
  });
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
