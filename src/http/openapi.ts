import { STATUS_CODES } from 'node:http';
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { Type } from 'typebox';
import type { App } from './app.ts';
import type { Problem } from './problem.ts';

/** Options of @fastify/swagger: the document is made of the same schemas that validate. */
export function openapiOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Quartermaster',
        version,
        description:
          'A financial ledger kept in calendar quarters. Amounts are integers of minor units, written as JSON strings. Every error is an RFC 9457 problem with a stable code.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      // Paths are all there is to know: the document is read from the server it describes.
      servers: [{ url: '/' }],
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) => String(json.$id ?? `schema-${index}`),
    },
  };
}

/** The documentation of error answers. */
export function problems(...statuses: number[]) {
  const schema = Type.Unsafe<Problem>({ $ref: 'Problem#' });
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: STATUS_CODES[status] ?? 'Error',
        content: { 'application/problem+json': { schema } },
      },
    ]),
  );
}

export function openapiRoute(app: App): void {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
