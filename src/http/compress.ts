import { gzip } from 'node:zlib';
import { acceptsGzip } from '../platform/accepts-gzip.ts';
import type { App } from './app-type.ts';

/** Below this many characters there is nothing to gain. */
const FROM = 2048;

/**
 * Compresses what the page for people asks for: lists of sixty quarters are the largest part of its first view. Programs, which post
 * and count milliseconds, get what they always got. The answer that holds a secret, the token of a session, is never compressed, so its
 * length tells nothing of it (the attack BREACH).
 */
export function compressForPages(app: App): void {
  app.addHook<unknown>('onSend', (request, reply, payload, done) => {
    const holdsSecret = request.routeOptions.url === '/v1/session';
    if (
      request.session === undefined ||
      holdsSecret ||
      typeof payload !== 'string' ||
      payload.length < FROM
    ) {
      done(null, payload);
      return;
    }
    reply.header('vary', 'accept-encoding');
    if (!acceptsGzip(request.headers['accept-encoding'])) {
      done(null, payload);
      return;
    }
    gzip(payload, { level: 4 }, (error, body) => {
      // It fails for want of memory alone, and then the answer goes as it is.
      if (error === null) reply.header('content-encoding', 'gzip');
      done(null, error === null ? body : payload);
    });
  });
}
