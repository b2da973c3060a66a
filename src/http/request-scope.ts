import type { FastifyReply, FastifyRequest } from 'fastify';
import { withIds } from '../platform/ids.ts';
import { openSpan } from '../platform/tracing.ts';
import type { App } from './app-type.ts';

/**
 * Puts each request into a scope of its own: what is logged in it bears the request's id, and what is done in it is part of
 * its span, which goes on from the trace of the caller (the header `traceparent`). Installed before all other hooks.
 * Bodies are read by promises, which keep to the scope; the events of a connection would not.
 */
export function requestScopes(app: App): void {
  app.addHook('onRequest', (request, reply, done) => enter(request, reply, done));
}

function enter(request: FastifyRequest, reply: FastifyReply, action: () => void): void {
  const { url: route } = request.routeOptions;
  const span = openSpan(route === undefined ? request.method : `${request.method} ${route}`, {
    kind: 'server',
    from: request.headers,
    // Of the path only the template: what stands in it may be a person's.
    attributes: {
      'http.request.method': request.method,
      ...(route === undefined ? {} : { 'http.route': route }),
      'quartermaster.request_id': request.id,
    },
  });
  // Fastify's onResponse is not called for an answer that nobody waited for; this event always comes.
  reply.raw.once('close', () => {
    const isAnswered = reply.raw.writableEnded;
    if (isAnswered) span.set({ 'http.response.status_code': reply.statusCode });
    else span.failed('client_gone');
    if (isAnswered && reply.statusCode >= 500) span.failed(reply.problemCode ?? String(reply.statusCode));
    span.end();
  });
  span.within(() => withIds({ request_id: request.id }, action));
}
