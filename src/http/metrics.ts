import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';

/** `/metrics`, for everybody who reaches the port, as `/healthz` is. It tells how much is done and of whom nothing. */
export function metricsRoute(app: App, { metrics }: HttpHouse): void {
  if (metrics === undefined) return;
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const text = await metrics.render();
    return reply.header('content-type', metrics.contentType).send(text);
  });
}
