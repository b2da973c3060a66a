import createFetchClient, { type Client as FetchClient } from 'openapi-fetch';
import { type Problem, QuartermasterError } from './error.ts';
import type { paths } from './schema.ts';

export interface ClientOptions {
  /** Where the API is, as http://127.0.0.1:7070. In a page that the API serves: an empty text. */
  readonly baseUrl: string;
  /** A key of `quartermaster keys create`, or a JSON web token. A page that is signed in needs none. */
  readonly key?: string;
  /** Asked before each request: what it has to send besides. */
  readonly headers?: (request: Request) => Readonly<Record<string, string>>;
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** Every route by its path, with the types of what goes in and what comes out. A refusal is thrown. */
export interface Client extends FetchClient<paths> {}

/** @throws QuartermasterError from each call that the API does not answer with a success */
export function createClient({ baseUrl, key, headers, fetch }: ClientOptions): Client {
  const client = createFetchClient<paths>({ baseUrl, ...(fetch && { fetch }) });
  client.use({
    onRequest({ request }) {
      if (key !== undefined) request.headers.set('authorization', `Bearer ${key}`);
      for (const [name, value] of Object.entries(headers?.(request) ?? {})) request.headers.set(name, value);
      return request;
    },
    async onResponse({ response }) {
      if (response.ok) return undefined;
      throw new QuartermasterError(await problemOf(response));
    },
    onError({ error }) {
      const detail = 'The server did not answer. See whether it runs, and try again.';
      return new QuartermasterError({ status: 0, code: 'no_answer', detail }, { cause: error });
    },
  });
  return client;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return (await response.json()) as Problem;
  } catch {
    const detail = `The server answered ${response.status} and did not say why.`;
    return { status: response.status, code: 'no_problem', detail };
  }
}
