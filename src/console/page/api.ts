import { type Client, createClient } from '../../../clients/typescript/src/index.ts';

export type Api = Client;

export interface ApiOptions {
  /** What the session gave: a request that changes something is refused without it. */
  readonly csrfToken: () => string | null;
  /** Whether a person is at the page. */
  readonly attended: () => boolean;
  /** Told of each answer before whoever asked is. */
  readonly onAnswer: (request: Request, response: Response) => void;
}

/** The API, asked by the page with the cookie that the browser keeps. */
export function createApi({ csrfToken, attended, onAnswer }: ApiOptions): Api {
  return createClient({
    baseUrl: window.location.origin,
    // Somebody looks: what does not pass within a second or two is told.
    retry: { tries: 3, longestDelay: 1_000 },
    headers: ({ method }): Record<string, string> => {
      const token = csrfToken();
      return {
        ...(method !== 'GET' && token !== null && { 'x-csrf-token': token }),
        ...(!attended() && { 'x-unattended': 'true' }),
      };
    },
    fetch: async (request) => {
      const response = await fetch(request);
      onAnswer(request, response);
      return response;
    },
  });
}
