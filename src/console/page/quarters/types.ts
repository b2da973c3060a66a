import type { operations } from '../../../../clients/typescript/src/index.ts';

/** What the API answers of quarters, by the names of this section. */
type AnswerOf<Operation extends keyof operations> = operations[Operation] extends {
  responses: { 200: { content: { 'application/json': infer Answer } } };
}
  ? Answer
  : never;

export type Quarter = AnswerOf<'listQuarters'>['quarters'][number];
export type QuarterDetail = AnswerOf<'getQuarter'>;
export type QuarterState = Quarter['state'];
export type Next = QuarterDetail['next'];
export type QuarterEvent = QuarterDetail['events'][number];
export type Approval = QuarterDetail['approvals'][number];
export type Job = AnswerOf<'listJobs'>['jobs'][number];
export type Total = AnswerOf<'getTrialBalance'>['totals'][number];
/** What a verb finds, with `dry_run`, or did. */
export type VerbAnswer = AnswerOf<'closeQuarter'>;
export type Obstacle = NonNullable<VerbAnswer['obstacles']>[number];
