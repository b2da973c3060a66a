import { type Static, type TSchema, Type } from 'typebox';
import { MaybeInstant, MaybeText } from './quarter-json.ts';
import { Instant } from './transaction-answer.ts';

const Count = (description: string) => Type.Integer({ minimum: 0, description });
const Seconds = (description: string) => Type.Number({ minimum: 0, description });
const MaybeSeconds = (description: string) =>
  Type.Union([Type.Number({ minimum: 0 }), Type.Null()], { description });
const orNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description });

const Horizon = Type.Object({
  ends_at: Instant('until then every posting has a partition'),
  wanted_until: Instant('how far quarters are to be made ahead'),
  missing: Type.Array(Type.String(), { description: 'the quarters that are missing on the way there' }),
});

const Replica = Type.Object({
  state: Type.Enum(['ok', 'lagging', 'away'], { description: 'ok: lists and reports are read there' }),
  lag_seconds: MaybeSeconds('how far it is behind at most, where that is known'),
  reason: Type.String({ description: 'a sentence that says why' }),
});

const Summaries = Type.Object({
  refreshed_at: MaybeInstant('when the last refresh that succeeded ended'),
  days: Count('days with something that is not summed up'),
  lag_seconds: Seconds('how long ago the first of it was posted'),
});

const Queue = Type.Object({
  name: Type.String({ description: 'as in POST /v1/queues/{name}/run' }),
  schedule: MaybeText("five cron fields in the ledger's zone; null: it runs when it is asked for"),
  waiting: Count('jobs that wait, also those for another try'),
  running: Count('jobs that run'),
  failed: Count('jobs that failed for good and are remembered'),
  last_succeeded_at: MaybeInstant('when one last ended well'),
  last_failed_at: MaybeInstant('when one last failed for good'),
  failure: MaybeText('the code of that failure, while nothing has ended well since'),
  overdue: Type.Boolean({ description: 'by its schedule it should have ended well by now' }),
});

const Failure = Type.Object({
  id: Type.String({ description: 'of the job; with a quarter it is one of /v1/jobs' }),
  name: Type.String({ description: 'the queue, or the verb of a quarter' }),
  quarter: MaybeText(
    'the quarter, of a step of one: it can be asked for again with POST /v1/jobs/{id}/retry',
  ),
  failed_at: Instant('when'),
  code: Type.String(),
  detail: Type.String({ description: 'what happened, and what to do about it' }),
});

const Fixity = Type.Object({
  oldest_verified_at: MaybeInstant(
    'when the archive was last read that has waited longest; null without archives that are sound',
  ),
  quarter: MaybeText('which one that is'),
  damaged: Type.Array(Type.String(), { description: 'quarters whose archives were found damaged' }),
  within_days: Type.Integer({ minimum: 1, description: 'within so many days every archive is to be read' }),
});

const Indexes = Type.Object({
  audited_at: Instant('when they were looked at'),
  findings: Type.Array(
    Type.Object({
      kind: Type.String({ description: 'what it is, as bloated' }),
      index: Type.String(),
      detail: Type.String(),
      remedy: MaybeText('the statement that mends it'),
      bytes: Count('that it takes, or would free'),
    }),
  ),
});

const Check = Type.Object({
  name: Type.String({ description: 'as jobs or horizon' }),
  state: Type.Enum(['ok', 'warning', 'critical', 'unknown'], {
    description: 'unknown: what it rests on could not be read now',
  }),
  detail: Type.String({ description: 'what was found, with its numbers' }),
  advice: MaybeText('what to do; null while all is well'),
  runbook: MaybeText('the page that leads through it, as docs/runbooks/horizon.md'),
});

const Alert = Type.Object({
  name: Type.String(),
  state: Type.Enum(['inactive', 'pending', 'firing']),
  severity: MaybeText('critical, warning or info'),
  since: MaybeInstant('since when it is pending or firing'),
  summary: MaybeText('what it says, with its numbers'),
  runbook: MaybeText('where to read on'),
});

const Alerts = Type.Object({
  asked_at: Instant('when Prometheus was asked'),
  error: MaybeText('why it is not known how the alerts stand'),
  items: Type.Array(Alert, { description: 'the firing ones first' }),
});

/** The parts that are read each by itself. */
export const operationParts = [
  'horizon',
  'summaries',
  'queues',
  'failures',
  'fixity',
  'indexes',
  'quarters',
] as const;
export type OperationPart = (typeof operationParts)[number];

export const OperationAnswer = Type.Object({
  at: Instant('when it was read'),
  unknown: Type.Array(Type.Object({ part: Type.Enum([...operationParts]), reason: Type.String() }), {
    description: 'what could not be read in time, and why: that part is null or empty below',
  }),
  horizon: orNull(Horizon, 'how long postings have somewhere to go; null: not known'),
  replica: orNull(Replica, 'null: there is none'),
  summaries: orNull(Summaries, 'how far the summaries are behind; null: not known'),
  queues: Type.Array(Queue, { description: 'all of them, those with a schedule first' }),
  failures: Type.Array(Failure, { description: 'the newest first, a hundred at most' }),
  fixity: orNull(Fixity, 'how old the last reading of the archives is; null: not known'),
  indexes: orNull(Indexes, 'what is wrong with indexes; null: not known'),
  checks: Type.Array(Check, {
    description: 'what a person on duty would look at first, the worst first: by the rules of the alerts',
  }),
  alerts: orNull(Alerts, 'null: QM_PROMETHEUS_URL is not set'),
});
export type Operation = Static<typeof OperationAnswer>;
