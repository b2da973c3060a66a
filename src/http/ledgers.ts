import { Type } from 'typebox';
import { allows } from '../core/access.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { LedgerName } from './parameters.ts';

const Ledger = Type.Object(
  { name: LedgerName },
  { additionalProperties: false, description: 'a JSON object with name' },
);

const list = {
  operationId: 'listLedgers',
  tags: ['ledgers'],
  summary: 'List the ledgers that the key may read',
  response: {
    200: {
      description: 'The ledgers.',
      content: { 'application/json': { schema: Type.Object({ ledgers: Type.Array(Ledger) }) } },
    },
  },
};

const create = {
  operationId: 'createLedger',
  tags: ['ledgers'],
  summary: 'Create a ledger',
  body: Ledger,
  response: {
    200: { description: 'It exists already.', content: { 'application/json': { schema: Ledger } } },
    201: { description: 'Created.', content: { 'application/json': { schema: Ledger } } },
    ...problems(400, 413, 415),
  },
};

export function ledgerRoutes(app: App, { ledgers }: HttpHouse): void {
  app.get('/v1/ledgers', { schema: list, config: { role: 'reader' } }, async (request, reply) => {
    const { identity } = request;
    const all = await ledgers.list();
    const shown = all.filter(({ name }) => identity !== undefined && allows(identity, 'reader', name));
    return reply.send({ ledgers: shown.map(({ name }) => ({ name })) });
  });

  app.post('/v1/ledgers', { schema: create, config: { role: 'admin' } }, async (request, reply) => {
    const { name } = request.body;
    // Of two that create it at once both may be told 201: it was not there when they asked.
    const existing = await ledgers.find(name);
    if (existing !== undefined) return reply.send({ name });
    const created = await ledgers.create(name);
    return reply.code(201).send({ name: created.name });
  });
}
