import type { FastifyInstance } from 'fastify';
import { acceptsGzip } from '../platform/accepts-gzip.ts';
import { type Assets, readAssets } from './assets.ts';
import { readRunbooks } from './runbooks.ts';
import { shell } from './shell.ts';

/**
 * The page may run its own scripts and styles and ask this server, and nothing else: no inline script, no form that is sent
 * anywhere, no frame around it, and no text that becomes HTML but through its renderer.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
].join('; ');

/**
 * What the page is sent with, beside what every answer has: that it is not kept (`no-store`), so that nobody finds it behind a button
 * of the browser after whoever was there has signed out, and that no other site gets it. Styles that scripts set on an element are
 * no inline styles, so charts need no exception.
 */
const pageHeaders = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'permissions-policy': [
    ...[
      'accelerometer',
      'autoplay',
      'camera',
      'display-capture',
      'encrypted-media',
      'fullscreen',
      'geolocation',
      'gyroscope',
    ],
    ...[
      'hid',
      'magnetometer',
      'microphone',
      'midi',
      'payment',
      'picture-in-picture',
      'publickey-credentials-get',
    ],
    ...['screen-wake-lock', 'serial', 'usb', 'xr-spatial-tracking'],
  ]
    .map((feature) => `${feature}=()`)
    .join(', '),
  // For what is older than frame-ancestors.
  'x-frame-options': 'DENY',
} as const;

const YEAR = 'public, max-age=31536000, immutable';

/** Reads once; after a failure who asks next has it tried again. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => {
    reading ??= read().catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    return reading;
  };
}

/**
 * `/console` and what it is made of, and the runbooks as they are written: files that are read once, when the process begins to
 * listen or somebody asks before.
 */
export function consoleRoutes(app: FastifyInstance, read: () => Promise<Assets> = readAssets): void {
  const schema = { hide: true };
  const readOnce = once(read);
  const runbooks = once(readRunbooks);
  // Whoever comes first is not made to wait for it; a failure is told to who comes.
  app.addHook('onListen', async () => {
    for (const begin of [readOnce, runbooks]) void begin().catch(() => {});
  });
  const serve = (path: string, write: (assets: Assets) => string) =>
    app.get(path, { schema }, async (_request, reply) => {
      const page = write(await readOnce());
      return reply.headers(pageHeaders).type('text/html; charset=utf-8').send(page);
    });

  serve('/console', (assets) => shell(assets, assets.first));
  // A link into the page is the page: it looks at the address itself.
  serve('/console/*', (assets) => shell(assets));
  app.get<{ Params: { name: string } }>('/console/runbooks/:name', { schema }, async (request, reply) => {
    const text = (await runbooks()).get(request.params.name);
    if (text === undefined) return reply.callNotFound();
    return reply.headers(pageHeaders).type('text/plain; charset=utf-8').send(text);
  });
  app.get<{ Params: { version: string; '*': string } }>(
    '/console/assets/:version/*',
    { schema },
    async (request, reply) => {
      const assets = await readOnce();
      const file = assets.files.get(request.params['*']);
      if (file === undefined) return reply.callNotFound();
      // A page of another version asks while one replaces the other: it gets what there is, and keeps it not.
      if (request.params.version === assets.version) reply.header('cache-control', YEAR);
      reply.type(file.type).header('vary', 'accept-encoding');
      const gzip = acceptsGzip(request.headers['accept-encoding']);
      if (gzip) reply.header('content-encoding', 'gzip');
      return reply.send(gzip ? file.gzipped : file.body);
    },
  );
}
