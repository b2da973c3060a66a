import type { Wire } from './client.ts';
import type { Job } from './jobs.ts';
import { type CallOptions, dataOf, initOf } from './options.ts';
import type { operations, paths } from './schema.ts';

/** What is done to a quarter: `close`, `archive`, `hold`, … */
export type QuarterVerb = {
  [Path in keyof paths]: Path extends `/v1/quarters/{quarter}/${infer Verb}`
    ? paths[Path] extends { post: object }
      ? Verb
      : never
    : never;
}[keyof paths];

export type Quarter =
  operations['listQuarters']['responses'][200]['content']['application/json']['quarters'][number];
export type QuarterDetail = operations['getQuarter']['responses'][200]['content']['application/json'];

/** What a verb is told. Which of these it takes, and which it needs, is in docs/reference/http.md. */
export interface VerbRequest {
  /** Why; the story of the quarter keeps it. */
  readonly reason?: string;
  /** Of a restore: a day, of which the end is meant, or an instant. */
  readonly until?: string;
  /** Of a restore or a release: a schema of its own, instead of the ledger's tables. */
  readonly into?: string;
  /** Of a drop: the quarter's name once more. */
  readonly confirm?: string;
}

/** Done, now or before; or a worker will do it, and `waitForJob(job)` says when it has. */
export type VerbAnswer =
  | {
      readonly done: true;
      readonly report: Readonly<Record<string, unknown>> | undefined;
      readonly job: undefined;
    }
  | { readonly done: false; readonly job: Job };

/** What a verb would do. */
export interface VerbPreview {
  /** True: it is done already. */
  readonly done: boolean;
  /** What stands in the way, and what to do about it. */
  readonly obstacles: readonly { readonly code: string; readonly kind: string; readonly detail: string }[];
  /** What would be done, in order. */
  readonly steps: readonly string[];
}

export interface Quarters {
  /** All quarters, with their states. */
  list(options?: CallOptions): Promise<readonly Quarter[]>;
  /** One, as `2026q1`, with its archive, its approvals and its story. */
  get(quarter: string, options?: CallOptions): Promise<QuarterDetail>;
  /**
   * Asks for a verb. Asked twice it is done once, so it is repeated until it is answered.
   *
   * @throws QuartermasterError with the code of what stands in the way, as `quarter_held` or `approval_required`
   */
  run(quarter: string, verb: QuarterVerb, request?: VerbRequest, options?: CallOptions): Promise<VerbAnswer>;
  /** What the verb would do and what stands in its way. Nothing is done. */
  preview(
    quarter: string,
    verb: QuarterVerb,
    request?: VerbRequest,
    options?: CallOptions,
  ): Promise<VerbPreview>;
}

/** The answers of all verbs are alike. */
interface Answer {
  readonly done: boolean;
  readonly job?: Job;
  readonly report?: Readonly<Record<string, unknown>>;
  readonly obstacles?: VerbPreview['obstacles'];
  readonly steps?: readonly string[];
}

export function createQuarters({ routes, transport }: Wire): Quarters {
  async function ask(
    quarter: string,
    verb: QuarterVerb,
    body: VerbRequest & { readonly dry_run?: boolean },
    options: CallOptions | undefined,
  ): Promise<Answer> {
    // Each verb has a route of its own, and a type of what it may be told; together they are told what any may be.
    const path = `/v1/quarters/{quarter}/${verb}` as '/v1/quarters/{quarter}/restore';
    const init = { params: { path: { quarter } }, body, ...initOf(transport, options) };
    return dataOf(await routes.POST(path, init)) as Answer;
  }

  return {
    async list(options) {
      return dataOf(await routes.GET('/v1/quarters', initOf(transport, options))).quarters;
    },
    async get(quarter, options) {
      const init = { params: { path: { quarter } }, ...initOf(transport, options) };
      return dataOf(await routes.GET('/v1/quarters/{quarter}', init));
    },
    async run(quarter, verb, request = {}, options) {
      const { job, report } = await ask(quarter, verb, request, options);
      return job === undefined ? { done: true, report, job } : { done: false, job };
    },
    async preview(quarter, verb, request = {}, options) {
      const {
        done,
        obstacles = [],
        steps = [],
      } = await ask(quarter, verb, { ...request, dry_run: true }, options);
      return { done, obstacles, steps };
    },
  };
}
