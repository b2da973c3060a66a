import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { parseUntil } from '../core/days.ts';
import { assert } from '../core/errors.ts';
import type { QuarterNote, QuarterVerb } from '../core/lifecycle.ts';
import type { App } from './app-type.ts';
import { Confirm, confirmFaults } from './confirm.ts';
import type { HttpHouse, QuarterRequest } from './house.ts';
import { JobAnswer, toJob } from './jobs.ts';
import { problems } from './openapi.ts';
import { RFC3339 } from './parameters.ts';
import { type Fault, RequestError } from './problem.ts';
import { QuarterName } from './quarter-json.ts';
import { toReport } from './quarter-report.ts';
import { DryRun } from './transaction-request.ts';
import { bodyFault } from './validation.ts';

const REASON = 'a text of 1 to 1000 characters without control characters';
const UNTIL = 'a day as 2026-12-31, of which the end is meant, or a date and time as 2026-12-31T23:59:59Z';
const INSTANT = new RegExp(RFC3339);

const common = {
  reason: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      title: 'why; the story of the quarter keeps it',
      description: REASON,
      examples: ['audit of 2024'],
    }),
  ),
  dry_run: DryRun,
};
const until = Type.Optional(
  Type.String({ minLength: 10, maxLength: 40, title: 'until when it is wanted', description: UNTIL }),
);
const into = Type.Optional(
  Type.String({
    pattern: '^[a-z][a-z0-9_]{0,62}$',
    title: "a schema of its own, instead of the ledger's tables",
    description: 'the name of a schema: up to 63 lower-case letters, digits and _, a letter first',
  }),
);
/** What a verb of a quarter says of itself; those with `long` are done by a worker. */
interface Described {
  readonly summary: string;
  readonly description?: string;
  readonly long?: true;
  readonly fields?: Partial<typeof all>;
}
const all = { ...common, until, into, confirm: Confirm };

const BY_WORKER = 'A worker does it where the role of the API may not define tables.';
const NEEDS_REASON = 'Needs a reason.';
const TWO_PEOPLE =
  'Where two people have to want it, it is refused as `approval_required` until somebody else has approved, and goes on by itself then.';

/** Typed by the verbs there are, so that none is forgotten. */
const verbs: Readonly<Record<QuarterVerb | QuarterNote, Described>> = {
  create: {
    summary: "Create a quarter's partitions",
    description: BY_WORKER,
    long: true,
  },
  close: {
    summary: 'Close a quarter',
    description: 'Checks it, fixes its trial balance, and lets nothing change it any more.',
    long: true,
  },
  reopen: {
    summary: 'Let a closed quarter take rows again',
    description: `Later closed quarters have to be closed anew. ${NEEDS_REASON} ${BY_WORKER}`,
    long: true,
  },
  approve: {
    summary: 'Approve what somebody else has asked for',
    description: 'The archive or the drop goes on by itself; the report names the jobs.',
  },
  archive: {
    summary: 'Archive a closed quarter',
    description: `Writes it to Parquet, reads it back and compares. ${TWO_PEOPLE}`,
    long: true,
  },
  verify: { summary: 'Read the archive of a quarter again and compare it', long: true },
  detach: {
    summary: 'Take an archived quarter out of the ledger',
    description: 'Its tables stay.',
    long: true,
  },
  drop: {
    summary: 'Drop the tables of a detached quarter',
    description: `Reads its archive once more before. ${NEEDS_REASON} ${TWO_PEOPLE}`,
    long: true,
    fields: { confirm: Confirm },
  },
  restore: {
    summary: 'Bring an archived quarter back, read-only and for a time',
    description: NEEDS_REASON,
    long: true,
    fields: { until, into },
  },
  release: { summary: 'Take a restored quarter out again', long: true, fields: { into } },
  hold: { summary: 'Let nothing take a quarter out', description: NEEDS_REASON },
  unhold: { summary: 'Let a held quarter go on' },
};

const Body = Type.Object(all, { additionalProperties: false });
type Body = Static<typeof Body>;

const Obstacle = Type.Object({ code: Type.String(), kind: Type.String(), detail: Type.String() });

const Answer = Type.Object({
  quarter: QuarterName,
  verb: Type.String(),
  dry_run: Type.Boolean(),
  done: Type.Boolean({ description: 'true when it is done, now or before' }),
  report: Type.Optional(
    Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      description: 'what was done, where it was done now',
    }),
  ),
  obstacles: Type.Optional(
    Type.Array(Obstacle, { description: 'of a dry run: what stands in the way, and what to do about it' }),
  ),
  steps: Type.Optional(
    Type.Array(Type.String(), { description: 'of a dry run: what would be done, in order' }),
  ),
});

const Accepted = Type.Object({
  quarter: QuarterName,
  verb: Type.String(),
  done: Type.Boolean({ description: 'false: a worker will do it' }),
  job: JobAnswer,
});

function schemaOf(verb: string, { summary, description, long, fields }: Described) {
  const accepted = {
    description: 'A worker will do it. Follow the job.',
    headers: { Location: { type: 'string', description: 'the job' } },
    content: { 'application/json': { schema: Accepted } },
  };
  return {
    operationId: `${verb}Quarter`,
    tags: ['quarters'],
    summary,
    ...(description === undefined ? {} : { description }),
    params: Type.Object({ quarter: QuarterName }),
    body: Type.Object(
      { ...common, ...fields },
      { additionalProperties: false, description: 'a JSON object, which may be left out' },
    ),
    response: {
      200: {
        description: 'It is done, or with `dry_run` what would be.',
        content: { 'application/json': { schema: Answer } },
      },
      ...(long ? { 202: accepted } : {}),
      ...problems(400, 404, 409, 413, 415, 422),
    },
  };
}

/** What is done to a quarter. Asked for twice it is done once, so these need no Idempotency-Key. */
export function quarterVerbRoutes(app: App, house: HttpHouse): void {
  for (const [verb, described] of Object.entries(verbs)) {
    const schema = schemaOf(verb, described);
    const config = { role: 'finance', emptyBody: true } as const;
    app.post(`/v1/quarters/:quarter/${verb}`, { schema, config }, async (request, reply) => {
      const asked = readRequest(verb as QuarterRequest['verb'], request as VerbRequest, house);
      const { quarter } = asked;
      if ((request.body as Body).dry_run) {
        const { done, obstacles, steps } = await house.quarters.preview(asked);
        const told = obstacles.map(({ code, kind = 'refused', detail }) => ({ code, kind, detail }));
        return reply.send({ quarter, verb, dry_run: true, done, obstacles: told, steps: [...steps] });
      }
      const answer = await house.quarters.ask(asked);
      if (!answer.done) {
        reply.code(202).header('location', `/v1/jobs/${answer.job.id}`);
        return reply.send({ quarter, verb, done: false, job: toJob(answer.job) });
      }
      const report = answer.report && toReport(answer.report);
      return reply.send({ quarter, verb, dry_run: false, done: true, ...(report && { report }) });
    });
  }
}

type VerbRequest = FastifyRequest<{ Params: { quarter: string }; Body: Body }>;

/** @throws RequestError invalid/invalid_request */
function readRequest(
  verb: QuarterRequest['verb'],
  { params, body, identity }: VerbRequest,
  { calendar }: HttpHouse,
): QuarterRequest {
  assert(identity, 'a route with a role knows who calls');
  const { quarter } = params;
  const faults: Fault[] = [];
  const reason = body.reason?.trim();
  if (reason !== undefined && (/\p{Cc}/u.test(reason) || !reason.isWellFormed())) {
    faults.push(bodyFault('/reason', `must be ${REASON}`));
  }
  const day = /^\d{4}-\d\d-\d\d$/.test(body.until ?? '');
  const end =
    body.until !== undefined && (day || INSTANT.test(body.until))
      ? parseUntil(calendar, body.until)
      : undefined;
  if (body.until !== undefined && end === undefined) faults.push(bodyFault('/until', `must be ${UNTIL}`));
  if (!body.dry_run) faults.push(...confirmFaults(verb, quarter, body.confirm));
  if (faults.length > 0) throw new RequestError('invalid_request', faults);
  return { verb, quarter, actor: identity.name, reason: reason || undefined, until: end, into: body.into };
}
