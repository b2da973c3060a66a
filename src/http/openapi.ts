import { STATUS_CODES } from 'node:http';
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import { Type } from 'typebox';
import type { Role } from '../core/access.ts';
import type { App } from './app-type.ts';
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
      tags: [
        { name: 'transactions', description: 'What moves money, and what reserves it.' },
        { name: 'accounts', description: 'Who holds money, and how much.' },
        { name: 'summaries', description: 'What many transactions come to.' },
        { name: 'loads', description: 'Many transactions in one stream.' },
        { name: 'quarters', description: 'The life of the ledger, three months at a time.' },
        { name: 'jobs', description: 'What workers were asked to do, and how far it is.' },
        { name: 'operation', description: 'How the house stands, and what was done.' },
        { name: 'session', description: 'Who asks.' },
        { name: 'ledgers', description: 'Books that know nothing of each other.' },
        { name: 'health', description: 'For whoever runs the process.' },
      ],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'A key that `quartermaster keys create` printed, or a JSON web token.',
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: '__Host-qm_session',
            description:
              'Set by POST /v1/session, for the page. What changes something needs the header X-CSRF-Token besides, as GET /v1/session gives it.',
          },
        },
      },
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) => String(json.$id ?? `schema-${index}`),
    },
    transform: ({ schema, url, route }) => ({
      url,
      schema: schema?.hide ? schema : describe(schema ?? {}, route.config?.role),
    }),
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject;
      for (const path of Object.values(document.openapiObject.paths ?? {})) {
        // The plugin has every body required. One of which nothing is required may be left out.
        const body = path?.post?.requestBody as RequestBody | undefined;
        const whole = body?.content['application/json']?.schema;
        if (body && whole && (whole.required ?? []).length === 0) body.required = false;
      }
      return document.openapiObject;
    },
  };
}

interface RequestBody {
  required?: boolean;
  content: Record<string, { schema?: { required?: string[] } }>;
}

/** Adds to the documentation of a route what all have, so that no route can forget it. */
function describe(schema: FastifySchema, role: Role | undefined): FastifySchema {
  const access = role === undefined ? {} : problems(401, 403, 500, 503);
  const responses = Object.entries({ ...(schema.response as object), ...access } as Record<string, Answer>);
  return {
    ...schema,
    ...(role === undefined
      ? {}
      : {
          description: [schema.description, `Needs a key with the role \`${role}\`.`]
            .filter(Boolean)
            .join(' '),
          security: [{ bearer: [] }, { session: [] }],
        }),
    response: Object.fromEntries(
      responses.map(([status, answer]) => [
        status,
        { ...answer, headers: { ...answer.headers, ...headersOf(Number(status)) } },
      ]),
    ),
  };
}

interface Answer {
  readonly headers?: object;
}

function headersOf(status: number): object {
  return {
    'X-Request-Id': { type: 'string', description: 'by which the log knows the request' },
    ...(status === 401 || status === 403
      ? { 'WWW-Authenticate': { type: 'string', description: 'what is missing (RFC 6750)' } }
      : {}),
    ...(status === 503
      ? { 'Retry-After': { type: 'string', description: 'seconds after which to try again' } }
      : {}),
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
