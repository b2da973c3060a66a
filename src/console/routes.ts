import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Assets, readAssets } from './assets.ts';
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

const YEAR = 'public, max-age=31536000, immutable';

/** `/console` and what it is made of: files that are read once, when the process starts. */
export function consoleRoutes(app: FastifyInstance, assets: Assets = readAssets()): void {
  const page = shell(assets);
  const schema = { hide: true };
  const sendPage = async (_request: unknown, reply: FastifyReply) =>
    reply
      .header('content-security-policy', POLICY)
      .header('cross-origin-opener-policy', 'same-origin')
      .header('permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()')
      .header('x-frame-options', 'DENY')
      .type('text/html; charset=utf-8')
      .send(page);

  app.get('/console', { schema }, sendPage);
  // A link into the page is the page: it looks at the address itself.
  app.get('/console/*', { schema }, sendPage);
  app.get<{ Params: { version: string; '*': string } }>(
    '/console/assets/:version/*',
    { schema },
    async (request, reply) => {
      const file = assets.files.get(request.params['*']);
      if (file === undefined) return reply.callNotFound();
      // A page of another version asks while one replaces the other: it gets what there is, and keeps it not.
      if (request.params.version === assets.version) reply.header('cache-control', YEAR);
      reply.type(file.type).header('vary', 'accept-encoding');
      const gzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
      if (gzip) reply.header('content-encoding', 'gzip');
      return reply.send(gzip ? file.gzipped : file.body);
    },
  );
}
