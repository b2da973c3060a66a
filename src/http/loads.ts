import { PassThrough, type Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { parseAddress } from '../core/account.ts';
import { AppError } from '../core/errors.ts';
import type { LoadFormat } from '../ledger/load-record.ts';
import { requestWords } from '../ledger/load-words.ts';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import {
  LoadAnswer,
  LoadId,
  LoadQuery,
  LoadReportAnswer,
  toLoadAnswer,
  toReportAnswer,
} from './load-json.ts';
import { refuseOtherMethods } from './methods.ts';
import { problems } from './openapi.ts';
import { findLedger, LedgerName } from './parameters.ts';
import { createParameters } from './query.ts';

/** Each holds a database connection and the better part of a processor, which postings want too. */
const MOST_LOADS = 2;

/** How long what comes behind the last row that was read is let run off, in milliseconds. */
const RUN_OFF = 5_000;

/** Types of bodies. Of some only the format parameter can tell what is in them. */
const formatOfType: ReadonlyMap<string, LoadFormat | undefined> = new Map([
  ['text/csv', 'csv'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['application/gzip', undefined],
  ['application/zstd', undefined],
  ['application/octet-stream', undefined],
]);

/** How a body is packed is read from its first bytes; what begins with neither magic number is plain. */
const encodings = ['identity', 'gzip', 'x-gzip', 'zstd'];

const run = {
  operationId: 'runLoad',
  tags: ['loads'],
  summary: 'Load a stream of transactions',
  description:
    'Books each record of the body exactly once, in batches, while it arrives. Sent again under the same id after whatever broke off, it goes on where it stopped; what is done is not done twice. The first bad row stops it, and what stands before stays booked: mend the row and send all of it again. Columns: created_at, debit_account, credit_account, amount, currency, and if wanted user_id, status, reference_code, description, metadata and effective_at. The body may be gzipped or Zstandard.',
  params: Type.Object({ ledger: LedgerName }),
  querystring: LoadQuery,
  body: {
    required: true,
    content: Object.fromEntries([...formatOfType.keys()].map((type) => [type, { schema: Type.Unknown() }])),
  },
  response: {
    200: {
      description: 'All of it is booked, now or by earlier requests under the id.',
      content: { 'application/json': { schema: LoadReportAnswer } },
    },
    ...problems(400, 404, 409, 415),
  },
};

const read = {
  operationId: 'getLoad',
  tags: ['loads'],
  summary: 'Read how far a load is',
  params: Type.Object({ ledger: LedgerName, id: LoadId }),
  response: {
    200: { description: 'The load.', content: { 'application/json': { schema: LoadAnswer } } },
    ...problems(400, 404),
  },
};

/** A scope of its own, in which bodies are streams and not JSON. */
export function loadRoutes(app: App, house: HttpHouse): void {
  app.register(async (scope: App) => {
    const done = refuseOtherMethods(scope);
    streamBodies(scope);
    routes(scope, house);
    done();
  });
}

function routes(app: App, house: HttpHouse): void {
  let running = 0;

  const posting = { schema: run, config: { role: 'writer', streamed: true } } as const;
  app.post('/v1/ledgers/:ledger/loads', posting, async (request, reply) => {
    const options = readOptions(request, house);
    const ledger = await findLedger(house, request.params.ledger);
    if (running >= MOST_LOADS) {
      const detail = `${MOST_LOADS} loads run in this process already. Send it again when one of them is done.`;
      throw new AppError('busy', 'loads_busy', detail);
    }
    // The answer's connection is the body's: when it closes before the answer is sent, nobody waits any more.
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    running++;
    try {
      const report = await house.loads.run({
        ...options,
        ledger: ledger.name,
        source: sourceOf(request),
        words: requestWords,
        signal: gone.signal,
      });
      return await reply.send(toReportAnswer(report));
    } finally {
      running--;
    }
  });

  const reading = { schema: read, config: { role: 'reader' } } as const;
  app.get('/v1/ledgers/:ledger/loads/:id', reading, async (request, reply) => {
    const ledger = await findLedger(house, request.params.ledger);
    const { id } = request.params;
    const found = await house.loads.find(ledger.id, id);
    if (found) return reply.send(toLoadAnswer(ledger.name, found));
    throw new AppError('not_found', 'load_not_found', `The ledger ${ledger.name} has no load ${id}.`);
  });
}

function streamBodies(scope: App): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser([...formatOfType.keys()], (_request, body, done) => done(null, body));
  scope.addContentTypeParser('*', (_request, _body, done) => {
    const detail = `A load is one of ${[...formatOfType.keys()].join(', ')}: say which in Content-Type.`;
    done(new AppError('invalid', 'unsupported_media_type', detail));
  });
  scope.addHook('onResponse', async ({ raw }) => {
    if (raw.complete) return;
    // A client that is still sending may look at the answer only after; one that sends for ever is cut off.
    raw.unpipe();
    raw.resume();
    const cut = setTimeout(() => raw.destroy(), RUN_OFF);
    raw.once('close', () => clearTimeout(cut));
  });
}

type PostRequest = FastifyRequest<{ Querystring: LoadQuery }>;

function readOptions({ query, headers }: PostRequest, { calendar }: HttpHouse) {
  const parameters = createParameters(calendar);
  const { id, amounts = 'decimal' } = query;
  if (/\p{Cc}/u.test(id) || !id.isWellFormed()) parameters.fault('id', 'must hold no control characters');
  const [type = ''] = headers['content-type']?.toLowerCase().split(';') ?? [];
  const format = query.format ?? formatOfType.get(type.trim());
  if (format === undefined)
    parameters.fault('format', 'must be csv or ndjson where Content-Type does not tell');
  const groups = query.allow_negative?.split(',') ?? [];
  if (groups.some((group) => group !== '*' && !parseAddress(`x:${group}`))) {
    parameters.fault('allow_negative', 'must be group types in upper case, as BANK,FEES, or *');
  }
  const createAccounts = query.create_accounts === 'true';
  if (groups.length > 0 && !createAccounts) {
    parameters.fault('allow_negative', 'says how accounts are created: add create_accounts=true');
  }
  parameters.done();
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (!encodings.includes(encoding)) {
    const detail = `A body may be packed as gzip or zstd, and not as ${encoding}.`;
    throw new AppError('invalid', 'unsupported_media_type', detail);
  }
  return {
    id,
    amounts,
    ...(format && { format }),
    ...(createAccounts && {
      createAccounts: { allowNegative: groups.includes('*') ? ('*' as const) : groups },
    }),
  };
}

/**
 * The body as a stream that may be destroyed: to destroy the request itself would close the connection, on which the
 * answer is still to be sent.
 */
function sourceOf({ body, headers }: FastifyRequest) {
  // Who reads it is told of the loss; when nobody does any more, it must not end the process.
  const stream = new PassThrough().on('error', () => {});
  const lost = () => stream.destroy(new Error('the connection was lost'));
  const request = body as Readable | undefined;
  if (request === undefined) stream.end();
  else {
    request.once('error', lost).once('close', () => request.readableEnded || lost());
    request.pipe(stream);
  }
  // A body of a known length is all there or fails; a chunked one may end well though its producer was killed.
  return { stream, name: 'the body', whole: headers['content-length'] !== undefined };
}
