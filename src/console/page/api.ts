import { type Client, createClient } from '../../../clients/typescript/src/index.ts';

export type Api = Client;

/**
 * The API, asked by the page with the cookie that the browser keeps.
 *
 * @param csrfToken what the session gave: a request that changes something is refused without it
 */
export function createApi(csrfToken: () => string | null): Api {
  return createClient({
    baseUrl: window.location.origin,
    // Somebody looks: what does not pass within a second or two is told.
    retry: { tries: 3, longestDelay: 1_000 },
    headers: ({ method }): Record<string, string> => {
      const token = csrfToken();
      return method === 'GET' || token === null ? {} : { 'x-csrf-token': token };
    },
  });
}
