import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

/**
 * An S3 server: s3rver, with what S3 promises and s3rver leaves out put in front of it. A file appears whole or not at
 * all, the SHA-256 that comes with a body is compared and answered with, and uploads in parts can be listed and aborted.
 * It ends when its standard input does, so it does not outlive the test that started it.
 *
 * node s3-process.ts DIRECTORY BUCKET
 */
const [directory = '', bucket = ''] = process.argv.slice(2);

interface Context {
  req: IncomingMessage | Readable;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  status: number;
  type: string;
  body: unknown;
  set(name: string, value: string): void;
}

interface S3Object {
  readonly bucket: string;
  readonly key: string;
  readonly content: Buffer | Readable;
  readonly metadata: object;
}

interface Server {
  readonly middleware: ((context: Context, next: () => Promise<void>) => Promise<void>)[];
  readonly store: {
    getResourcePath(bucket: string, key: string | undefined, resource: string): string;
    putMetadata(bucket: string, key: string, metadata: object, md5: string): Promise<void>;
    putObject(object: S3Object): Promise<{ size: number; md5: string }>;
    getObject(bucket: string, key: string, options: object): Promise<unknown>;
    putPart(bucket: string, uploadId: string, part: string, content: Readable): Promise<unknown>;
  };
  run(): Promise<{ port: number }>;
}

const load = createRequire(import.meta.url);
const S3rver = load('s3rver') as new (options: object) => Server;
const S3Error = load('s3rver/lib/models/error') as new (code: string, message: string) => Error;

const server = new S3rver({
  directory,
  address: '127.0.0.1',
  port: 0,
  silent: true,
  vhostBuckets: false,
  configureBuckets: [{ name: bucket }],
});
const { store } = server;

const busy = new Map<string, Promise<unknown>>();

/** One after the other for each file. */
function inTurn<T>(file: string, action: () => Promise<T>): Promise<T> {
  const turn = (busy.get(file) ?? Promise.resolve()).then(action);
  busy.set(
    file,
    turn.catch(() => {}),
  );
  return turn;
}

let staged = 0;
store.putObject = async (object) => {
  const bytes = Buffer.isBuffer(object.content) ? object.content : await buffer(object.content);
  const md5 = createHash('md5').update(bytes).digest('hex');
  const place = store.getResourcePath(object.bucket, object.key, 'object');
  const unfinished = join(directory, `.staged-${staged++}`);
  await writeFile(unfinished, bytes);
  return inTurn(place, async () => {
    await mkdir(dirname(place), { recursive: true });
    await rename(unfinished, place);
    await store.putMetadata(object.bucket, object.key, object.metadata, md5);
    return { size: bytes.length, md5 };
  });
};

const getObject = store.getObject.bind(store);
store.getObject = (from, key, options) =>
  inTurn(store.getResourcePath(from, key, 'object'), () => getObject(from, key, options));

const uploads = store.getResourcePath(bucket, undefined, 'uploads');
const requireUpload = (id: string) =>
  stat(join(uploads, id, 'key')).catch(() => {
    throw new S3Error('NoSuchUpload', 'The specified upload does not exist.');
  });

const putPart = store.putPart.bind(store);
store.putPart = async (to, id, part, content) => {
  await requireUpload(id);
  return putPart(to, id, part, content);
};

const sum = 'x-amz-checksum-sha256';

server.middleware.unshift(async (context, next) => {
  const { method, path, query, headers } = context;
  if (method === 'GET' && /^\/[^/]+\/?$/.test(path) && query.uploads !== undefined) {
    context.type = 'application/xml';
    context.body = await listUploads(query.prefix ?? '');
  } else if (method === 'DELETE' && query.uploadId !== undefined) {
    await requireUpload(query.uploadId);
    await rm(join(uploads, query.uploadId), { recursive: true });
    context.status = 204;
  } else if (method === 'PUT') {
    const bytes = await buffer(context.req);
    const sha256 = createHash('sha256').update(bytes).digest('base64');
    if (headers[sum] !== undefined && headers[sum] !== sha256) {
      throw new S3Error('BadDigest', 'The SHA256 you specified did not match the calculated checksum.');
    }
    context.req = Readable.from([bytes], { objectMode: false });
    await next();
    if (headers[sum] !== undefined) context.set(sum, sha256);
  } else {
    await next();
  }
});

async function listUploads(prefix: string): Promise<string> {
  const ids = await readdir(uploads).catch(() => []);
  const all = await Promise.all(
    ids.map(async (id) => ({ id, key: await readFile(join(uploads, id, 'key'), 'utf8').catch(() => '') })),
  );
  const escaped = (key: string) => key.replace(/[<>&]/g, (mark) => `&#${mark.charCodeAt(0)};`);
  const found = all
    .filter(({ key }) => key !== '' && key.startsWith(prefix))
    .map(({ id, key }) => `<Upload><Key>${escaped(key)}</Key><UploadId>${id}</UploadId></Upload>`);
  return `<?xml version="1.0" encoding="UTF-8"?>
<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>${bucket}</Bucket><IsTruncated>false</IsTruncated>${found.join('')}</ListMultipartUploadsResult>`;
}

process.stdin.resume().on('end', () => process.exit(0));
const { port } = await server.run();
process.stdout.write(`${port}\n`);
