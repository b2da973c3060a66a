import { Type } from 'typebox';
import { ROLES } from '../core/access.ts';
import { assert } from '../core/errors.ts';
import type { App } from './app-type.ts';
import { MaybeInstant, MaybeText } from './quarter-json.ts';

const Session = Type.Object({
  name: Type.String({ description: 'who asks, as events and the log have it' }),
  roles: Type.Array(Type.Enum([...ROLES])),
  ledgers: Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'null: all of them' }),
  csrf_token: MaybeText(
    'sent back as X-CSRF-Token with each request that changes something; null where a key is sent and no cookie',
  ),
  expires_at: MaybeInstant('when one has to sign in again; null where a key is sent'),
});

const read = {
  operationId: 'getSession',
  tags: ['session'],
  summary: 'Read who is asking',
  response: {
    200: { description: 'Who it is.', content: { 'application/json': { schema: Session } } },
  },
};

export function sessionRoutes(app: App): void {
  app.get('/v1/session', { schema: read, config: { role: 'reader' } }, async ({ identity }, reply) => {
    assert(identity, 'a route with a role knows who calls');
    const { name, roles, ledgers } = identity;
    return reply.send({
      name,
      roles: [...roles],
      ledgers: ledgers === null ? null : [...ledgers],
      csrf_token: null,
      expires_at: null,
    });
  });
}
