import { type ClientOptions, createClient } from '../../clients/typescript/src/index.ts';
import { quick } from './house.ts';

export const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ status, code, detail: `It is ${code}.` }), {
    status,
    headers: { 'content-type': 'application/problem+json', 'x-request-id': 'r-1', ...headers },
  });
export const fine = () => Response.json({ quarters: [] });

/** A client whose answers are these, in order; what throws is a network that fails. */
export function answered(
  answers: readonly (() => Response | Promise<Response>)[],
  options: Partial<ClientOptions> = {},
) {
  const sent: Request[] = [];
  const api = createClient({
    baseUrl: 'http://ledger.test',
    retry: quick,
    ...options,
    fetch: async (request) => {
      const answer = answers[sent.length];
      sent.push(request);
      if (answer === undefined) throw new Error('nothing more is answered');
      return answer();
    },
  });
  return { api, sent };
}
export const broken = (): Response => {
  throw new TypeError('fetch failed');
};
export const payment = { postings: [{ from: 'a:A', to: 'b:A', amount: 5n, currency: 'EUR' }] };

/** Never answers, until its signal fires. */
export function silence({ signal }: Request): Promise<Response> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}
