/** A part of a request that is wrong. */
export interface Fault {
  /** Where in the body, as the fragment form of a JSON pointer: `#/postings/0/amount`. */
  readonly pointer?: string;
  /** Which parameter of the path or the query. */
  readonly parameter?: string;
  readonly header?: string;
  /** Of the item of a batch that is refused. */
  readonly code?: string;
  readonly detail: string;
}

/** What the API says went wrong, as RFC 9457 has it. */
export interface Problem {
  readonly status: number;
  /** Stable: what a program goes by. */
  readonly code: string;
  /** For people: what, where, and what to do. */
  readonly detail: string;
  readonly title?: string;
  readonly instance?: string;
  readonly errors?: readonly Fault[];
}

/** What is known of an answer besides its problem. */
export interface AnswerFacts extends ErrorOptions {
  readonly requestId?: string | undefined;
  readonly retryAfter?: number | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly idempotencyKeys?: readonly string[] | undefined;
}

/**
 * A request that was refused or failed: all that a call to the API throws. Its message is the problem's detail. Where no
 * answer came `status` is 0 and `code` is one of the client's own:
 *
 * - `no_answer`: the server could not be reached, or went away while it answered; `cause` says how
 * - `deadline`: no answer came within the time that was given
 * - `aborted`: the caller's signal ended it; `cause` is the signal's reason
 * - `no_problem`: an answer that is none of the API's, as of a proxy; this one has the answer's `status`
 *
 * A write may have been done though one of the first three is thrown. Where another try of it was answered, but by nothing that
 * tells of the lost one, that answer is the `cause`.
 */
export class QuartermasterError extends Error {
  override readonly name: string = 'QuartermasterError';
  readonly status: number;
  readonly code: string;
  readonly problem: Problem | undefined;
  /** What is wrong with the request, part by part. */
  readonly faults: readonly Fault[];
  /** By which the server's log knows the request. */
  readonly requestId: string | undefined;
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfter: number | undefined;
  /**
   * Of a write, the key it was sent under, whoever made it: asked again with it, it has one effect. Of a batch the keys are
   * `idempotencyKeys`, one a transaction.
   */
  readonly idempotencyKey: string | undefined;
  readonly idempotencyKeys: readonly string[] | undefined;

  constructor(problem: Problem, facts: AnswerFacts = {}) {
    super(problem.detail, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = problem.status;
    this.code = problem.code;
    this.problem = problem;
    this.faults = problem.errors ?? [];
    this.requestId = facts.requestId;
    this.retryAfter = facts.retryAfter;
    this.idempotencyKey = facts.idempotencyKey;
    this.idempotencyKeys = facts.idempotencyKeys;
  }
}

/** The same error, knowing under which keys its request was sent. */
export function underKeys<E>(error: E, keys: Pick<AnswerFacts, 'idempotencyKey' | 'idempotencyKeys'>): E {
  return error instanceof QuartermasterError ? Object.assign(error, keys) : error;
}

/** The error that an answer without success is. Reads the answer to its end. */
export async function errorOf(response: Response): Promise<QuartermasterError> {
  const facts = {
    requestId: response.headers.get('x-request-id') ?? undefined,
    retryAfter: secondsOf(response.headers.get('retry-after'), Date.now()),
  };
  const problem = problemIn(await response.text());
  if (problem !== undefined) return new QuartermasterError({ ...problem, status: response.status }, facts);
  const detail = `The server answered ${response.status} and did not say why.`;
  return new QuartermasterError({ status: response.status, code: 'no_problem', detail }, facts);
}

/** Of an item of a batch, which has its problem within an answer that is a success. */
export function errorOfItem(problem: Problem, requestId: string | undefined): QuartermasterError {
  return new QuartermasterError(problem, { requestId });
}

function problemIn(text: string): Problem | undefined {
  try {
    const { code, detail, ...rest } = JSON.parse(text) as Partial<Problem>;
    if (typeof code !== 'string' || typeof detail !== 'string') return undefined;
    return { ...rest, status: 0, code, detail };
  } catch {
    return undefined;
  }
}

/**
 * Retry-After as RFC 9110 has it: seconds, or a date.
 *
 * @param now milliseconds since 1970
 * @returns seconds from now, or undefined where there is none that can be read
 */
export function secondsOf(retryAfter: string | null, now: number): number | undefined {
  const text = retryAfter?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const at = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1000));
}
