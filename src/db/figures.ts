import { type RawBuilder, sql } from 'kysely';
import type { ClientBase } from 'pg';
import type { QuarterState, QuarterVerb } from '../core/lifecycle.ts';
import type { FoundPartition } from '../core/partition.ts';
import { parseBounds, quarterOfName } from './catalog.ts';
import {
  archivesSql,
  freezeSql,
  measurementsSql,
  outcomesSql,
  partitionsSql,
  quartersSql,
  queuesSql,
  serverSql,
  summariesSql,
  updatesSql,
} from './figures-sql.ts';
import type { Db } from './schema.ts';

/** A partition of one of our tables, or a table outside that bears the name of one. */
export interface PartitionFigures extends FoundPartition {
  /** On disk, with its indexes. */
  readonly bytes: number;
  /** Another one whenever it is attached, or its detach begins; empty where it stands alone. */
  readonly change: string;
}

/** A quarter as a policy looks at it. */
export interface QuarterFigures {
  readonly quarter: string;
  readonly state: QuarterState;
  readonly ends_at: Date;
  readonly hold_reason: string | null;
  readonly stale_reason: string | null;
  readonly reopened_at: Date | null;
  readonly closed_at: Date | null;
  readonly archived_at: Date | null;
  readonly detached_at: Date | null;
  readonly restored_at: Date | null;
  readonly restored_until: Date | null;
  /** When a hold of it last ended, or it was last found to be closed anew; null where that does not matter. */
  readonly freed_at: Date | null;
  /** When it was created; null where that does not matter any more. One of old years may come long after its end. */
  readonly opened_at: Date | null;
  /** What was asked for the quarter as it is now. */
  readonly asked: readonly {
    readonly verb: QuarterVerb & ('archive' | 'drop');
    readonly approved: boolean;
  }[];
}

export interface QueueFigures {
  readonly queue: string;
  readonly waiting: number;
  readonly running: number;
  readonly failed: number;
  /** Keys whose line stands still behind a failed job. */
  readonly blockedLines: number;
  /** For how long the job that waits longest could have been taken; 0 without one. */
  readonly readySeconds: number;
}

/** What one reading found. Ages in seconds are those of that moment, by the server's clock. */
export interface Figures {
  readonly partitions: readonly PartitionFigures[];
  readonly quarters: readonly QuarterFigures[];
  readonly archives: {
    readonly count: number;
    readonly bytes: number;
    readonly rows: Readonly<Record<string, number>>;
    /** When the one was last read that waits longest; null without any. */
    readonly readAt: Date | null;
  };
  /** None where they are not installed. */
  readonly queues: readonly QueueFigures[];
  /** When each job last ended well and badly, in seconds since 1970. */
  readonly outcomes: readonly {
    readonly job: string;
    readonly succeeded: number | null;
    readonly failed: number | null;
  }[];
  readonly summaries: { readonly days: number; readonly seconds: number };
  readonly measurements: readonly {
    readonly metric: string;
    readonly label: string;
    readonly value: number;
  }[];
  /** Updates of the balances since the counters began, and of them those that changed no index. */
  readonly updates: { readonly all: number | null; readonly hot: number | null };
  readonly freeze: { readonly age: number | null; readonly limit: number };
  readonly server: { readonly connections: number; readonly limit: number };
}

const figureNames = [
  ...(['partitions', 'quarters', 'archives', 'queues', 'outcomes'] as const),
  ...(['summaries', 'measurements', 'updates', 'freeze', 'server'] as const),
] satisfies readonly (keyof Figures)[];
export type FigureName = keyof Figures;

export interface FiguresOptions {
  /** Of the ledger: its days are counted. */
  readonly zone: string;
  /** Only makes the statement. */
  readonly db: Db;
}

/** Milliseconds. A lock is not waited for: who holds one for long is met again by the next reading. */
const STATEMENT_TIMEOUT = 5000;
const LOCK_TIMEOUT = 1000;

/**
 * Reads all figures in one statement, in a read-only transaction of its own. It takes a few dozen milliseconds where there are two
 * hundred quarters, and is given up by the server after five seconds.
 *
 * @throws whatever node-postgres throws; the connection is then best thrown away
 */
export async function readFigures(client: ClientBase, { zone, db }: FiguresOptions): Promise<Figures> {
  await client.query('BEGIN TRANSACTION READ ONLY');
  // The queues are there only when they have been installed, and what is not there cannot be named.
  const { rows: begun } = await client.query<{ queues: boolean }>(
    `SELECT to_regclass('pgboss.job') IS NOT NULL AND to_regclass('pgboss.queue') IS NOT NULL AS queues,
            set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true), set_config('jit', 'off', true),
            set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true)`,
    [String(STATEMENT_TIMEOUT), String(LOCK_TIMEOUT)],
  );
  const statement = statementOf(figureNames, zone, begun[0]?.queues === true).compile(db);
  const { rows } = await client.query<Answer>(statement.sql, [...statement.parameters]);
  await client.query('COMMIT');
  return figuresOf(rows[0] as Answer);
}

/**
 * Reads some of the figures for somebody who waits, in one statement in the caller's transaction, which bounds its time. So what is slow
 * or locked hides nothing that is asked by itself.
 */
export async function readSomeFigures<Name extends FigureName>(
  trx: Db,
  names: readonly Name[],
  zone: string,
): Promise<Pick<Figures, Name>> {
  const { rows: begun } = await sql<{ queues: boolean }>`
    SELECT to_regclass('pgboss.job') IS NOT NULL AND to_regclass('pgboss.queue') IS NOT NULL AS queues,
           set_config('jit', 'off', true), set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true)`.execute(
    trx,
  );
  const { rows } = await statementOf(names, zone, begun[0]?.queues === true).execute(trx);
  return figuresOf(rows[0] as Pick<Answer, Name>) as Pick<Figures, Name>;
}

function statementOf(names: readonly FigureName[], zone: string, hasQueues: boolean): RawBuilder<Answer> {
  const parts: Readonly<Record<FigureName, RawBuilder<unknown>>> = {
    partitions: partitionsSql,
    quarters: quartersSql,
    archives: archivesSql,
    queues: hasQueues ? queuesSql : sql`SELECT '[]'::json`,
    outcomes: outcomesSql,
    summaries: summariesSql(zone),
    measurements: measurementsSql,
    updates: updatesSql,
    freeze: freezeSql,
    server: serverSql,
  };
  return sql<Answer>`SELECT ${sql.join(names.map((name) => sql`(${parts[name]}) AS ${sql.id(name)}`))}`;
}

/** The columns as they come: JSON knows no dates. */
type Answer = Omit<Figures, 'partitions' | 'quarters' | 'archives'> & {
  readonly partitions: readonly (Omit<PartitionFigures, 'bounds'> & { readonly bounds: string | null })[];
  readonly quarters: readonly { readonly [K in keyof QuarterFigures]: WithoutDates<QuarterFigures[K]> }[];
  readonly archives: Omit<Figures['archives'], 'readAt'> & { readonly readAt: string | null };
};
type WithoutDates<T> = T extends Date ? string : T;

function figuresOf(answer: Answer): Figures;
function figuresOf(answer: Partial<Answer>): Partial<Figures>;
function figuresOf({ partitions, quarters, archives, ...rest }: Partial<Answer>): Partial<Figures> {
  return {
    ...rest,
    ...(partitions && { partitions: partitions.map(partitionOf) }),
    ...(quarters && { quarters: quarters.map(quarterOf) }),
    ...(archives && { archives: { ...archives, readAt: dateOf(archives.readAt) } }),
  };
}

function partitionOf({ bounds, ...one }: Answer['partitions'][number]): PartitionFigures {
  return {
    ...one,
    quarter: quarterOfName(one.table, one.name),
    bounds: bounds === null ? undefined : parseBounds(bounds),
    // Neither is asked here: both are of those that stand alone, and of those only the size is wanted.
    ours: false,
    empty: false,
  };
}

function quarterOf(one: Answer['quarters'][number]): QuarterFigures {
  return {
    ...one,
    ends_at: new Date(one.ends_at),
    reopened_at: dateOf(one.reopened_at),
    closed_at: dateOf(one.closed_at),
    archived_at: dateOf(one.archived_at),
    detached_at: dateOf(one.detached_at),
    restored_at: dateOf(one.restored_at),
    restored_until: dateOf(one.restored_until),
    freed_at: dateOf(one.freed_at),
    opened_at: dateOf(one.opened_at),
  };
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
