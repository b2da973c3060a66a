import { AppError } from '../core/errors.ts';
import type { App } from './app-type.ts';

/**
 * Answers 405 with `Allow` for the methods a path does not have (RFC 9110, section 15.5.6), where Fastify would say
 * 404. Call it before the routes are added to the scope, and what it returns after them.
 */
export function refuseOtherMethods(scope: App): () => void {
  const taken = new Map<string, Set<string>>();
  scope.addHook('onRoute', ({ url, method }) => {
    const methods = taken.get(url) ?? new Set();
    taken.set(url, methods);
    for (const each of [method].flat()) methods.add(each);
    // Fastify adds the HEAD of a GET itself.
    if (methods.has('GET')) methods.add('HEAD');
  });
  return () => {
    for (const [url, methods] of [...taken]) {
      const allowed = [...methods].sort().join(', ');
      scope.route({
        url,
        method: scope.supportedMethods.filter((method) => !methods.has(method)),
        schema: { hide: true },
        // Before the body is read, whatever it holds.
        onRequest: async (request, reply) => {
          reply.header('allow', allowed);
          const detail = `${request.method} is not one of ${allowed}, the methods of this path.`;
          throw new AppError('invalid', 'method_not_allowed', detail);
        },
        handler: async () => undefined,
      });
    }
  };
}
