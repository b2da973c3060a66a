import Schema from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { TransactionAnswer, TransactionRequest } from '../../src/http/transaction-json.ts';
import { emptyHouse, inject, payment } from './house.ts';

interface Document {
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

interface Operation {
  operationId: string;
  parameters?: { in: string; name: string; required: boolean }[];
  requestBody?: { required: boolean; content: Record<string, { schema: object }> };
  responses: Record<string, { content: Record<string, { schema: object }> }>;
}

async function read(): Promise<Document> {
  const response = await inject(createApp(emptyHouse()), { url: '/openapi.json' });
  expect(response.statusCode).toBe(200);
  return response.json();
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 and has every route, and none that only says no', async () => {
    const document = await read();
    expect(document.openapi).toBe('3.1.0');
    expect(document.info.version).toBe('1.2.3');
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [method, path, operationId]),
    );
    expect(operations).toEqual([
      ['get', '/healthz', 'isAlive'],
      ['get', '/readyz', 'isReady'],
      ['post', '/v1/ledgers/{ledger}/transactions', 'postTransaction'],
      ['get', '/v1/ledgers/{ledger}/transactions/{id}', 'getTransaction'],
    ]);
  });

  it('refers to nothing that is not in it', async () => {
    const document = await read();
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map((match) => match[1]);
    expect(new Set(references)).toEqual(
      new Set(['#/components/schemas/Problem', '#/components/schemas/Transaction']),
    );
    expect(Object.keys(document.components.schemas).sort()).toEqual(['Problem', 'Transaction']);
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

  it('describes a problem for every status that is an error, and the transaction for the others', async () => {
    const document = await read();
    const { $id: _, ...transaction } = JSON.parse(JSON.stringify(TransactionAnswer));
    expect(document.components.schemas.Transaction).toMatchObject(transaction);
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { responses } of Object.values(methods)) {
        for (const [status, { content }] of Object.entries(responses)) {
          const type = Number(status) < 400 ? 'application/json' : 'application/problem+json';
          expect(Object.keys(content), `${path} ${status}`).toEqual([type]);
        }
      }
    }
  });
});
