import Schema from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { TransactionAnswer } from '../../src/http/transaction-answer.ts';
import { TransactionRequest } from '../../src/http/transaction-request.ts';
import { quarterActions } from '../../src/quarters/verbs.ts';
import { emptyHouse, inject, payment } from './house.ts';

interface Document {
  openapi: string;
  info: { version: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; securitySchemes: Record<string, object> };
}

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security?: Record<string, string[]>[];
  parameters?: {
    in: string;
    name: string;
    required?: boolean;
    schema: { type?: string; description?: string };
  }[];
  requestBody?: { required: boolean; content: Record<string, { schema: object }> };
  responses: Record<
    string,
    {
      description: string;
      headers: Record<string, { schema: object; description: string }>;
      content?: Record<string, { schema: object }>;
    }
  >;
}

async function read(): Promise<Document> {
  const response = await inject(createApp(emptyHouse()), { url: '/openapi.json' });
  expect(response.statusCode).toBe(200);
  return response.json();
}

async function readOperations() {
  const { paths } = await read();
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
  );
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 and has every route, and none that only says no', async () => {
    const document = await read();
    expect(document.openapi).toBe('3.1.0');
    expect(document.info.version).toBe('1.2.3');
    const app = createApp(emptyHouse());
    const routes: string[] = [];
    app.addHook('onRoute', ({ method, url, schema }) => {
      if (schema?.hide || method === 'HEAD') return;
      routes.push(`${String(method).toLowerCase()} ${url.replace(/:(\w+)/g, '{$1}')}`);
    });
    await app.ready();
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(operations.sort()).toEqual(routes.sort());
    for (const route of ['get /healthz', 'post /v1/ledgers/{ledger}/transactions/{id}/settle']) {
      expect(operations).toContain(route);
    }
  });

  it('names, describes and tags every operation, once', async () => {
    const operations = await readOperations();
    const ids = operations.map(({ operationId }) => operationId);
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z]+$/);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = (await read()).tags.map(({ name }) => name);
    for (const { operationId, summary, tags: used } of operations) {
      expect(summary, operationId).toMatch(/^[A-Z].*[^.]$/);
      expect(used, operationId).toHaveLength(1);
      expect(tags, operationId).toContain(used[0]);
    }
  });

  it('lists of every path its parameters, each once, and describes them', async () => {
    for (const { path, operationId, parameters = [] } of await readOperations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const told = parameters.filter((parameter) => parameter.in === 'path');
      expect(
        told.map(({ name }) => name),
        operationId,
      ).toEqual(inPath);
      for (const { required } of told) expect(required, operationId).toBe(true);
      const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(names).size, operationId).toBe(names.length);
      for (const parameter of parameters) {
        expect(JSON.stringify(parameter), `${operationId} ${parameter.name}`).toContain('"description":');
      }
    }
  });

  it('asks for a key on every route of the ledger, and on no other', async () => {
    const { components } = await read();
    expect(components.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      session: { type: 'apiKey', in: 'cookie', name: '__Host-qm_session' },
    });
    for (const { path, operationId, security, responses } of await readOperations()) {
      // Who signs in has yet to say who they are, and who signs out need be nobody any more.
      const guarded = path.startsWith('/v1/') && !['signIn', 'signOut'].includes(operationId);
      expect(security, operationId).toEqual(guarded ? [{ bearer: [] }, { session: [] }] : undefined);
      if (path.startsWith('/v1/')) {
        const refusals = ['403', '500', '503', ...(operationId === 'signOut' ? [] : ['401'])];
        expect(Object.keys(responses), operationId).toEqual(expect.arrayContaining(refusals));
      }
    }
  });

  it('refers to nothing that is not in it', async () => {
    const document = await read();
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map((match) => match[1]);
    const known = Object.keys(document.components.schemas).sort();
    expect(known).toEqual(expect.arrayContaining(['Account', 'ListedTransaction', 'Problem', 'Transaction']));
    expect([...new Set(references)].sort()).toEqual(known.map((name) => `#/components/schemas/${name}`));
  });

  it('holds schemas that can be compiled, each with a type or a reference', async () => {
    const { components } = await read();
    const schemas: object[] = Object.values(components.schemas) as object[];
    for (const { parameters = [], requestBody, responses } of await readOperations()) {
      schemas.push(...parameters.map(({ schema }) => schema));
      schemas.push(...Object.values(requestBody?.content ?? {}).map(({ schema }) => schema));
      for (const { content = {}, headers } of Object.values(responses)) {
        schemas.push(...Object.values(content).map(({ schema }) => schema));
        schemas.push(...Object.values(headers).map(({ schema }) => schema));
      }
    }
    expect(schemas.length).toBeGreaterThan(100);
    for (const schema of schemas) {
      const shown = JSON.stringify(schema);
      // A load's body is a stream, of which there is nothing to say.
      if (shown !== '{}') expect(shown).toMatch(/^\{.*"(type|\$ref|anyOf|allOf|enum|const)":/);
      expect(() => Schema.Check(schema, {}), shown).not.toThrow();
    }
  });

  it('describes the body that is taken, in plain JSON Schema', async () => {
    const post = (await read()).paths['/v1/ledgers/{ledger}/transactions']?.post;
    const schema = post?.requestBody?.content['application/json']?.schema ?? {};
    expect(schema).toEqual(JSON.parse(JSON.stringify(TransactionRequest)));
    expect(Schema.Check(schema, payment)).toBe(true);
    expect(Schema.Check(schema, { ...payment, extra: 1 })).toBe(false);
    expect(post?.parameters).toContainEqual(
      expect.objectContaining({ in: 'header', name: 'Idempotency-Key', required: false }),
    );
  });

  it('describes each transaction of a batch, though it is checked by itself', async () => {
    const post = (await read()).paths['/v1/ledgers/{ledger}/transactions/batch']?.post;
    const schema = post?.requestBody?.content['application/json']?.schema ?? {};
    expect(Schema.Check(schema, { transactions: [{ ...payment, idempotency_key: 'k' }] })).toBe(true);
    expect(Schema.Check(schema, { transactions: [{ postings: [] }] })).toBe(false);
  });

  it('says which bodies may be left out', async () => {
    const optional = (await readOperations())
      .filter(({ requestBody }) => requestBody?.required === false)
      .map(({ operationId }) => operationId);
    const verbs = Object.keys(quarterActions).map((verb) => `${verb}Quarter`);
    expect(optional.sort()).toEqual(
      ['settleReservation', 'voidReservation', 'reverseTransaction', 'retryJob', 'runQueue', ...verbs].sort(),
    );
  });

  it('describes a problem for every status that is an error, and data for the others', async () => {
    const document = await read();
    const { $id: _, ...transaction } = JSON.parse(JSON.stringify(TransactionAnswer));
    expect(document.components.schemas.Transaction).toMatchObject(transaction);
    for (const { path, responses } of await readOperations()) {
      expect(Object.keys(responses).some((status) => Number(status) < 300)).toBe(true);
      for (const [status, { content, description, headers }] of Object.entries(responses)) {
        const data = path.endsWith('.csv') ? 'text/csv' : 'application/json';
        const type = Number(status) < 400 ? data : 'application/problem+json';
        // 204 is what says that there is nothing to say.
        expect(Object.keys(content ?? {}), `${path} ${status}`).toEqual(status === '204' ? [] : [type]);
        expect(description, `${path} ${status}`).not.toMatch(/^(Default Response)?$/);
        expect(headers, `${path} ${status}`).toHaveProperty('X-Request-Id');
      }
    }
  });
});
