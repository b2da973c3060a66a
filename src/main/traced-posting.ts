import { toAppError } from '../db/sqlstate.ts';
import type { HttpHouse } from '../http/house.ts';
import type { Poster } from '../ledger/post.ts';
import type { PostRequest } from '../ledger/request.ts';
import { withIds } from '../platform/ids.ts';
import { openSpan, type TracePoint, tracePoint } from '../platform/tracing.ts';

/** Links of a span; a batch may serve thousands. */
const MOST_LINKS = 100;

/**
 * A batch is begun by whichever request came first, and serves many: so it is a trace of its own, linked to those of the
 * requests in it, and what is logged meanwhile bears the id of none of them.
 */
export function createPostingScopes(): {
  /** Put around the entry to the batcher. */
  asked(post: HttpHouse['post']): HttpHouse['post'];
  /** Put around what the batcher posts by. */
  posting(poster: Poster): Poster;
} {
  const waiting = new WeakMap<PostRequest, TracePoint>();
  return {
    asked: (post) => (ledgerId, requests, options) => {
      const point = tracePoint();
      if (point !== undefined) for (const request of requests) waiting.set(request, point);
      return post(ledgerId, requests, options);
    },
    posting: (poster) => ({
      post: (ledgerId, requests, options) => {
        const points = new Map<string, TracePoint>();
        for (const request of requests) {
          const point = waiting.get(request);
          if (point !== undefined && points.size < MOST_LINKS) points.set(point.spanId, point);
        }
        const span = openSpan('post batch', {
          for: [...points.values()],
          attributes: { 'quartermaster.ledger_id': ledgerId, 'quartermaster.transactions': requests.length },
        });
        return span.within(() =>
          withIds({}, async () => {
            try {
              return await poster.post(ledgerId, requests, options);
            } catch (error) {
              span.failed(toAppError(error).code);
              throw error;
            } finally {
              span.end();
            }
          }),
        );
      },
    }),
  };
}
