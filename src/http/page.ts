import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';

/** What a page holds when no limit is given. */
const PAGE = 50;

export const Limit = Type.String({
  pattern: '^([1-9][0-9]{0,2}|1000)$',
  title: `how many a page has at most; ${PAGE} when it is left out`,
  description: 'a whole number from 1 to 1000',
});

export const Cursor = Type.String({
  minLength: 1,
  maxLength: 4000,
  title: 'where the page begins',
  description: 'next_cursor of the page before, asked for with the same parameters',
});

export const NextCursor = Type.Union([Type.String(), Type.Null()], {
  description: 'of the next page; null on the last',
});

export const ArchivedQuarters = Type.Array(Type.String(), {
  description: 'quarters of the range whose rows are archived and not in the list, oldest first',
});

/** The documentation of the header that `linkToNext` sends. */
export const linkHeader = {
  Link: { type: 'string', description: 'with rel="next" (RFC 8288): the next page, where there is one' },
} as const;

export function readLimit(limit: string | undefined): number {
  return limit === undefined ? PAGE : Number(limit);
}

/**
 * Tells where the next page is: the same parameters and the cursor. Relative to what was asked for (RFC 3986, section 4.2), so
 * that it holds behind a proxy that serves the ledger under another path.
 */
export function linkToNext(request: FastifyRequest, reply: FastifyReply, cursor: string | undefined): void {
  if (cursor === undefined) return;
  const parameters = new URLSearchParams({ ...(request.query as Record<string, string>), cursor });
  reply.header('link', `<?${parameters}>; rel="next"`);
}
