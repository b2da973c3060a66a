import type { Api } from '../api.ts';
import type { Job, VerbAnswer } from './types.ts';
import type { Verb } from './verbs.ts';

/** What a person filled in, as the API takes it. */
export interface AskBody {
  readonly reason?: string;
  readonly until?: string;
  readonly into?: string;
  readonly confirm?: string;
  readonly dry_run?: boolean;
}

/** What became of a request: it is done, or a worker does it. */
export type Answer = VerbAnswer | { readonly done: false; readonly job: Job };

/** The verbs have one path each, and one form: what one of them does not take is not sent. */
async function post(
  api: Api,
  quarter: string,
  verb: Verb,
  body: AskBody,
  signal: AbortSignal,
): Promise<Answer> {
  const init = { params: { path: { quarter } }, body, signal };
  const { data } = await api.POST(`/v1/quarters/{quarter}/${verb}` as '/v1/quarters/{quarter}/close', init);
  // A success without a body there is none: a refusal is thrown.
  return data as Answer;
}

/** What the verb finds and would do. Changes nothing. @throws QuartermasterError */
export async function look(
  api: Api,
  quarter: string,
  verb: Verb,
  body: AskBody,
  signal: AbortSignal,
): Promise<VerbAnswer> {
  return (await post(api, quarter, verb, { ...body, dry_run: true }, signal)) as VerbAnswer;
}

/** Asks for it. @throws QuartermasterError */
export const ask = post;
