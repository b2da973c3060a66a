import { writableUntil } from '../core/plan.ts';
import type { Calendar } from '../core/quarter.ts';
import { quarterTables } from '../core/tables.ts';
import type { Figures } from '../db/figures.ts';
import { toError } from '../http/jobs.ts';
import type { Operation } from '../http/operation-json.ts';
import { replicaReasons } from './operation-checks-upkeep.ts';
import type { Known, OperationFacts } from './operation-facts.ts';
import { endsOf, type KnownQueue } from './operation-schedules.ts';

const MOST_FAILURES = 100;

export interface ViewHouse {
  readonly calendar: Calendar;
  readonly config: { readonly premakeQuarters: number; readonly fixityDays: number };
  readonly queues: readonly KnownQueue[];
}

/** The facts as the API tells them. */
export function viewOf(facts: OperationFacts, house: ViewHouse): Omit<Operation, 'checks' | 'alerts'> {
  const { at, summaries, fixity, indexes, failures } = facts;
  const { horizon, quarters, queues } = facts;
  const parts = { horizon, quarters, queues, summaries, failures, fixity, indexes };
  return {
    at: at.toISOString(),
    unknown: Object.entries(parts).flatMap(([part, known]) =>
      'unknown' in known ? [{ part: part as keyof typeof parts, reason: known.unknown }] : [],
    ),
    horizon: toldOf(horizon, ({ partitions }) => horizonOf(partitions, at, house)),
    replica: replicaOf(facts),
    summaries: toldOf(summaries, ({ refreshedAt, days, seconds }) => ({
      refreshed_at: textOf(refreshedAt),
      days,
      lag_seconds: seconds,
    })),
    queues: queuesIn(facts, house),
    failures: toldOf(failures, failuresIn) ?? [],
    fixity: toldOf(fixity, ({ oldest, damaged }) => ({
      oldest_verified_at: textOf(oldest?.at ?? null),
      quarter: oldest?.quarter ?? null,
      damaged: [...damaged],
      within_days: house.config.fixityDays,
    })),
    indexes: toldOf(indexes, (audit) =>
      audit === undefined
        ? null
        : {
            audited_at: audit.auditedAt.toISOString(),
            findings: audit.findings.map(({ mend, ...finding }) => ({ ...finding, remedy: mend })),
          },
    ),
  };
}

function horizonOf(partitions: Figures['partitions'], at: Date, { calendar, config }: ViewHouse) {
  const names = quarterTables.map(({ name }) => name);
  const current = calendar.quarterOf(at);
  const last = calendar.next(current, config.premakeQuarters);
  const isThere = (quarter: string) =>
    names.every((table) =>
      partitions.some(
        (one) => one.table === table && one.quarter === quarter && one.attachment === 'attached',
      ),
    );
  return {
    ends_at: writableUntil(names, partitions, at).toISOString(),
    wanted_until: last.end.toISOString(),
    missing: calendar
      .range(current.name, last.name)
      .map(({ name }) => name)
      .filter((name) => !isThere(name)),
  };
}

function replicaOf({ replica }: OperationFacts): Operation['replica'] {
  if (replica === null) return null;
  if (replica === undefined) {
    return { state: 'away', lag_seconds: null, reason: 'It has not been looked at yet.' };
  }
  const { state, reason, lagMs } = replica;
  return { state, lag_seconds: lagMs === undefined ? null : lagMs / 1000, reason: replicaReasons[reason] };
}

function queuesIn({ queues, at }: OperationFacts, house: ViewHouse): Operation['queues'] {
  if (!('value' in queues)) return [];
  const { outcomes, measurements } = queues.value;
  return house.queues.map((queue) => {
    const counts = queues.value.queues.find((one) => one.queue === queue.name);
    const ends = endsOf(queue, outcomes, measurements, at);
    return {
      name: queue.name,
      schedule: queue.schedule ?? null,
      waiting: counts?.waiting ?? 0,
      running: counts?.running ?? 0,
      failed: counts?.failed ?? 0,
      last_succeeded_at: textOf(ends.succeededAt),
      last_failed_at: textOf(ends.failedAt),
      failure: ends.failure,
      overdue: ends.isOverdue,
    };
  });
}

/** A step whose workers died is known to the queue alone; of all others what was kept for whoever asked says more. */
function failuresIn({
  jobs,
  steps,
}: Extract<OperationFacts['failures'], { value: unknown }>['value']): Operation['failures'] {
  const kept = new Set(steps.map(({ id }) => id));
  const all = [
    ...steps.map(({ id, verb, quarter, finishedAt, updatedAt, error }) => ({
      ...{ id, name: verb, quarter, failedAt: finishedAt ?? updatedAt, error: error ?? {} },
    })),
    ...jobs.filter(({ id }) => !kept.has(id)),
  ];
  return all
    .sort((a, b) => b.failedAt.getTime() - a.failedAt.getTime())
    .slice(0, MOST_FAILURES)
    .map(({ id, name, quarter, failedAt, error }) => {
      const { code, detail } = toError(error);
      return { id, name, quarter, failed_at: failedAt.toISOString(), code, detail };
    });
}

function toldOf<T, U>(known: Known<T>, tell: (value: T) => U): U | null {
  return 'value' in known ? tell(known.value) : null;
}

function textOf(instant: Date | null): string | null {
  return instant?.toISOString() ?? null;
}
