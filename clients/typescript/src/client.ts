import createFetchClient, { type Client as FetchClient } from 'openapi-fetch';
import { createJobWaiter, type WaitForJob } from './jobs.ts';
import { createPosition } from './position.ts';
import { createQuarters, type Quarters } from './quarters.ts';
import { KEY_HEADER, newKey, takesKey } from './repeatable.ts';
import { limitsOf, type RetryChange, usualRetries } from './retry.ts';
import type { paths } from './schema.ts';
import { createStatements, type Statements } from './statements.ts';
import type { Transactions } from './transaction-types.ts';
import { createTransactions } from './transactions.ts';
import { createTransport, type Fetch, type Transport } from './transport.ts';

export interface ClientOptions {
  /** Where the API is, as http://127.0.0.1:7070. In a page that the API serves: its origin. */
  readonly baseUrl: string;
  /**
   * A key of `quartermaster keys create`, or a JSON web token; of one that runs out, what gives a fresh one: it is asked
   * before each try. A page that is signed in needs none.
   */
  readonly key?: string | (() => string | Promise<string>);
  /** Asked before each try: what it has to send besides. */
  readonly headers?: (request: Request) => Readonly<Record<string, string>>;
  readonly fetch?: (request: Request) => Promise<Response>;
  /** How calls are tried again; what is left out is as usual. `false`: each is tried once. */
  readonly retry?: RetryChange;
  /**
   * Reads see what this client wrote, though they may come from a replica: the position of its last write goes with
   * each read, and a replica that is not that far yet does not answer it.
   */
  readonly readYourWrites?: boolean;
}

/**
 * Every route by its path, with the types of what goes in and what comes out, and on top of that what is done most.
 *
 * Reads are tried again when no answer comes, or one that says to come back. So are writes that may be repeated: those that
 * take an Idempotency-Key, which is made where none is given and is the same for all tries of a call, and the verbs of a
 * quarter, which are done once however often they are asked for. Other writes are sent once.
 */
export interface Client extends FetchClient<paths> {
  readonly transactions: Transactions;
  /** Each entry of an account with the balance it left, oldest first. */
  readonly statement: Statements;
  readonly quarters: Quarters;
  /** Follows a job until it has ended. */
  readonly waitForJob: WaitForJob;
}

/** What the calls on top are made with. */
export interface Wire {
  readonly routes: FetchClient<paths>;
  readonly transport: Transport;
}

/** @throws QuartermasterError from each call that the API does not answer with a success */
export function createClient(options: ClientOptions): Client {
  const { baseUrl, key, headers, retry, readYourWrites = false } = options;
  // Looked up at each call, as one does by hand: a page may have put another one in its place since.
  const fetch: Fetch = options.fetch ?? ((request) => globalThis.fetch(request));
  const transport = createTransport({
    fetch,
    retry: limitsOf(usualRetries, retry),
    async prepare(request) {
      const token = typeof key === 'function' ? await key() : key;
      if (token !== undefined) request.headers.set('authorization', `Bearer ${token}`);
      for (const [name, value] of Object.entries(headers?.(request) ?? {})) request.headers.set(name, value);
    },
  });
  const routes = createFetchClient<paths>({ baseUrl, fetch: transport.send });
  routes.use({
    onRequest({ request, schemaPath }) {
      if (takesKey(request.method, schemaPath) && !request.headers.has(KEY_HEADER)) {
        request.headers.set(KEY_HEADER, newKey());
      }
      return request;
    },
  });
  if (readYourWrites) routes.use(createPosition());
  const wire: Wire = { routes, transport };
  return Object.assign(routes, {
    transactions: createTransactions(wire),
    statement: createStatements(wire),
    quarters: createQuarters(wire),
    waitForJob: createJobWaiter(wire),
  });
}
