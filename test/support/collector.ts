import { once } from 'node:events';
import { createServer } from 'node:http';

/** A span as it reached the collector. */
export interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  /** The spans it is linked to. */
  readonly links: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly failed: boolean;
}

/** A collector of traces on loopback, as OTLP over HTTP has it. */
export interface Collector {
  readonly url: string;
  readonly spans: SentSpan[];
  /** Of the process that sent last. */
  readonly resource: Record<string, string>;
  stop(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const spans: SentSpan[] = [];
  const resource: Record<string, string> = {};
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    // ExportTraceServiceRequest of opentelemetry-proto: resource spans, their scopes, their spans.
    for (const resourceSpans of all(body, 1)) {
      for (const one of all(resourceSpans, 1)) Object.assign(resource, attributesOf(one, 1));
      for (const scope of all(resourceSpans, 2)) spans.push(...all(scope, 2).map(spanOf));
    }
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    resource,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function spanOf(span: Buffer): SentSpan {
  const id = (field: number) => (all(span, field)[0] ?? Buffer.alloc(0)).toString('hex');
  return {
    name: String(all(span, 5)[0]),
    traceId: id(1),
    spanId: id(2),
    parentId: id(4),
    links: all(span, 13).map((link) => (all(link, 2)[0] ?? Buffer.alloc(0)).toString('hex')),
    attributes: attributesOf(span, 9),
    // STATUS_CODE_ERROR
    failed: all(span, 15).some((status) => numbers(status, 3)[0] === 2n),
  };
}

/** Keys with their values; of a value that is no text its digits. */
function attributesOf(message: Buffer, field: number): Record<string, string> {
  return Object.fromEntries(
    all(message, field).map((pair) => {
      const value = all(pair, 2)[0] ?? Buffer.alloc(0);
      return [String(all(pair, 1)[0]), String(all(value, 1)[0] ?? numbers(value, 3)[0] ?? '')];
    }),
  );
}

/** The fields of that number which have a length. */
function all(message: Buffer, field: number): Buffer[] {
  return fieldsOf(message).flatMap(([number, value]) =>
    number === field && typeof value !== 'bigint' ? [value] : [],
  );
}

function numbers(message: Buffer, field: number): bigint[] {
  return fieldsOf(message).flatMap(([number, value]) =>
    number === field && typeof value === 'bigint' ? [value] : [],
  );
}

/** Protocol Buffers as they are on the wire: a tag, then a number or a length and its bytes. */
function fieldsOf(message: Buffer): [number, Buffer | bigint][] {
  const fields: [number, Buffer | bigint][] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++] ?? 0;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const bytes = (length: number) => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = Number(varint());
    const kind = tag & 7;
    fields.push([
      tag >> 3,
      kind === 0 ? varint() : bytes(kind === 1 ? 8 : kind === 5 ? 4 : Number(varint())),
    ]);
  }
  return fields;
}
