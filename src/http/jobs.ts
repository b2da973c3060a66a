import { type Static, Type } from 'typebox';
import { AppError, assert } from '../core/errors.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';
import type { App } from './app-type.ts';
import { Confirm, confirmFaults } from './confirm.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { RequestError } from './problem.ts';
import { MaybeInstant, MaybeText, QuarterName, textOf } from './quarter-json.ts';
import { toReport } from './quarter-report.ts';
import { Instant } from './transaction-answer.ts';

/** How many the list holds at most. */
const MOST_JOBS = 200;

const JobId = Type.String({
  pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
  description: 'the id of a job, which is a UUID',
});

export const JobAnswer = Type.Object({
  id: JobId,
  quarter: QuarterName,
  verb: Type.String({ description: 'what is done to it' }),
  actor: Type.String({ description: 'who asked for it' }),
  reason: MaybeText('why'),
  until: MaybeInstant('of a restore: until when'),
  into: MaybeText('of a restore or its release: the schema of its own'),
  state: Type.Enum(['waiting', 'running', 'done', 'failed'], {
    description: 'waiting with an error: it failed for now and is tried again by itself',
  }),
  progress: Type.Union(
    [
      Type.Object({
        what: Type.String(),
        done: Type.Integer({ minimum: 0 }),
        total: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
      }),
      Type.Null(),
    ],
    { description: 'how far it is' },
  ),
  report: Type.Union([Type.Unsafe<Record<string, unknown>>({ type: 'object' }), Type.Null()], {
    description: 'what was done, when it is',
  }),
  error: Type.Union(
    [Type.Object({ kind: Type.String(), code: Type.String(), detail: Type.String() }), Type.Null()],
    {
      description: 'the last failure',
    },
  ),
  requested_at: Instant('when it was asked for'),
  started_at: MaybeInstant('when a worker began, the last time'),
  updated_at: Instant('when anything was last heard of it'),
  finished_at: MaybeInstant('when it ended'),
});

const list = {
  operationId: 'listJobs',
  tags: ['jobs'],
  summary: 'List what was asked of the workers',
  description: `The newest ${MOST_JOBS}. Of each verb of a quarter there is one job, which is the last one.`,
  querystring: Type.Object({ quarter: Type.Optional(QuarterName) }, { additionalProperties: false }),
  response: {
    200: {
      description: 'The jobs, newest first.',
      content: { 'application/json': { schema: Type.Object({ jobs: Type.Array(JobAnswer) }) } },
    },
    ...problems(400),
  },
};

const read = {
  operationId: 'getJob',
  tags: ['jobs'],
  summary: 'Read how far a job is',
  params: Type.Object({ id: JobId }),
  response: {
    200: { description: 'The job.', content: { 'application/json': { schema: JobAnswer } } },
    ...problems(400, 404),
  },
};

const retry = {
  operationId: 'retryJob',
  tags: ['jobs'],
  summary: 'Ask for a step of a quarter that failed once more',
  description:
    'As it was asked for, with its reason, and under the name of who asks now. What has been overtaken, for the quarter has gone on since, is refused. A drop needs the name of the quarter once more, as asking for it does.',
  params: Type.Object({ id: JobId }),
  body: Type.Object(
    { confirm: Confirm },
    { additionalProperties: false, description: 'a JSON object, which may be left out but for a drop' },
  ),
  response: {
    202: {
      description: 'A worker will do it. Follow the job.',
      headers: { Location: { type: 'string', description: 'the job' } },
      content: { 'application/json': { schema: JobAnswer } },
    },
    ...problems(400, 404, 409, 413, 415, 422),
  },
};

const config = { role: 'reader', wholeHouse: true } as const;

export function jobRoutes(app: App, { quarters }: HttpHouse): void {
  app.get('/v1/jobs', { schema: list, config }, async (request, reply) => {
    const { quarter } = request.query;
    const jobs = await quarters.jobs({ quarter, limit: MOST_JOBS });
    return reply.send({ jobs: jobs.map(toJob) });
  });

  app.get('/v1/jobs/:id', { schema: read, config }, async (request, reply) => {
    const id = request.params.id.toLowerCase();
    const job = await quarters.job(id);
    if (job !== undefined) return reply.send(toJob(job));
    throw new AppError('not_found', 'job_not_found', `There is no job ${id}.`);
  });

  const finance = { role: 'finance', emptyBody: true } as const;
  app.post('/v1/jobs/:id/retry', { schema: retry, config: finance }, async (request, reply) => {
    const { identity, params, body } = request;
    assert(identity, 'a route with a role knows who calls');
    const id = params.id.toLowerCase();
    const failed = await quarters.job(id);
    const faults = failed === undefined ? [] : confirmFaults(failed.verb, failed.quarter, body.confirm);
    if (faults.length > 0) throw new RequestError('invalid_request', faults);
    const job = await quarters.retry(id, identity.name);
    return reply.code(202).header('location', `/v1/jobs/${job.id}`).send(toJob(job));
  });
}

export function toJob(job: QuarterJob): Static<typeof JobAnswer> {
  const { id, quarter, verb, actor, reason, into, state, progress } = job;
  return {
    ...{ id, quarter, verb, actor, reason, into, state },
    until: textOf(job.until),
    progress: progress && { ...progress, total: progress.total ?? null },
    report: job.report && toReport(job.report),
    error: job.error && toError(job.error),
    requested_at: job.requestedAt.toISOString(),
    started_at: textOf(job.startedAt),
    updated_at: job.updatedAt.toISOString(),
    finished_at: textOf(job.finishedAt),
  };
}

/** What PostgreSQL, a store and the system say is for the log, and for the command line. */
export function toError({ kind, code, detail, quotes }: Record<string, unknown>) {
  const inside = kind === 'internal' || kind === 'config' || quotes === true;
  return {
    kind: String(kind),
    code: String(code),
    detail: inside
      ? 'It failed within the service. The log of the worker says why: report it and quote the job.'
      : String(detail),
  };
}
