import type { Middleware } from 'openapi-fetch';

/** Where a write stands in PostgreSQL's log, as `16/B374D848`. The API answers it when reads may come from a replica. */
export const POSITION_HEADER = 'x-ledger-position';

/** Keeps the furthest position that an answer told, and sends it with each read that names none itself. */
export function createPosition(): Middleware {
  let furthest: string | undefined;
  return {
    onRequest({ request }) {
      const isRead = request.method === 'GET' && !request.headers.has(POSITION_HEADER);
      if (isRead && furthest !== undefined) request.headers.set(POSITION_HEADER, furthest);
      return request;
    },
    onResponse({ response }) {
      const told = response.headers.get(POSITION_HEADER);
      if (told !== null && (furthest === undefined || isBehind(furthest, told))) furthest = told;
      return undefined;
    },
  };
}

/** True when the first of two positions comes before the second: two halves of 32 bits, written in hexadecimal. */
export function isBehind(position: string, other: string): boolean {
  return bytesOf(position) < bytesOf(other);
}

function bytesOf(position: string): bigint {
  const [high = '0', low = '0'] = position.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
