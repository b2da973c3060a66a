import { isAppError } from '../core/errors.ts';
import { boundedRead } from '../db/bounded-read.ts';
import { type Figures, readSomeFigures } from '../db/figures.ts';
import { answerWithin, TimeLimit } from '../db/lease.ts';
import type { ReplicaReport } from '../db/replica-monitor.ts';
import type { Db } from '../db/schema.ts';
import type { OperationPart } from '../http/operation-json.ts';
import type { Logger } from '../platform/logger.ts';
import { type Expired, readExpired } from '../quarters/expire.ts';
import { type FixityAge, readFixityAge } from '../quarters/fixity-age.ts';
import type { QueueFailure } from '../queue/failures.ts';
import { type JobOutcome, readOutcomes } from '../queue/outcomes.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';
import type { Queue } from '../queue/queue.ts';
import { type KeptAudit, readKeptAudit } from '../summaries/index-kept.ts';
import { readRefreshed } from '../summaries/refreshes.ts';

/** What was read, or a sentence for people on why it was not. */
export type Known<T> = { readonly value: T } | { readonly unknown: string };

/** How the house stood at one moment, each part read by itself. */
export interface OperationFacts {
  readonly at: Date;
  readonly horizon: Known<Pick<Figures, 'partitions' | 'measurements' | 'freeze' | 'server'>>;
  readonly quarters: Known<Pick<Figures, 'quarters'> & { readonly expired: readonly Expired[] }>;
  readonly queues: Known<
    Pick<Figures, 'queues' | 'measurements'> & { readonly outcomes: readonly JobOutcome[] }
  >;
  readonly summaries: Known<Figures['summaries'] & { readonly refreshedAt: Date | null }>;
  readonly failures: Known<{ readonly jobs: readonly QueueFailure[]; readonly steps: readonly QuarterJob[] }>;
  readonly fixity: Known<FixityAge>;
  readonly indexes: Known<KeptAudit | undefined>;
  /** null where there is none, undefined before anybody has looked at it. */
  readonly replica: ReplicaReport | null | undefined;
}

export interface FactsHouse {
  /** The direct connections: when the pooler is full or away, somebody has to see it. */
  readonly db: Db;
  readonly queue: Pick<Queue, 'failures' | 'quarters'>;
  /** Of the ledger. */
  readonly zone: string;
  readonly logger: Logger;
  readonly replica: () => ReplicaReport | null | undefined;
}

/** Failed jobs that are shown. */
const MOST_FAILURES = 100;

/** Milliseconds that PostgreSQL has for a part, and in which there is an answer whatever it does. */
export const LIMIT_MS = 3000;
export const GIVE_UP_MS = 4000;

/** Reads one part after the other's start, and gives each up by itself. Never fails. What goes wrong is logged when it begins. */
export function createFactsReader({ db, queue, zone, logger, replica }: FactsHouse) {
  const failing = new Set<OperationPart>();

  async function part<T>(name: OperationPart, read: (db: Db) => Promise<T>): Promise<Known<T>> {
    try {
      const value = await answerWithin(GIVE_UP_MS, boundedRead(db, read, LIMIT_MS));
      failing.delete(name);
      return { value };
    } catch (error) {
      if (!failing.has(name))
        logger.warn({ err: error, part: name }, 'how the house stands is not known in part');
      failing.add(name);
      return { unknown: reasonOf(error) };
    }
  }

  return async (at: Date): Promise<OperationFacts> => {
    const [horizon, quarters, queues, summaries, failures, fixity, indexes] = await Promise.all([
      part('horizon', (trx) =>
        readSomeFigures(trx, ['partitions', 'measurements', 'freeze', 'server'], zone),
      ),
      part('quarters', async (trx) => ({
        ...(await readSomeFigures(trx, ['quarters'], zone)),
        expired: await readExpired(trx, at),
      })),
      part('queues', async (trx) => ({
        ...(await readSomeFigures(trx, ['queues', 'measurements'], zone)),
        outcomes: await readOutcomes(trx),
      })),
      part('summaries', async (trx) => {
        const { summaries } = await readSomeFigures(trx, ['summaries'], zone);
        return { ...summaries, refreshedAt: await readRefreshed(trx, 'daily summaries') };
      }),
      part('failures', async (trx) => ({
        jobs: await queue.failures(trx, MOST_FAILURES),
        steps: await queue.quarters.jobs({ failed: true, limit: MOST_FAILURES }, trx),
      })),
      part('fixity', readFixityAge),
      part('indexes', readKeptAudit),
    ]);
    return { at, horizon, quarters, queues, summaries, failures, fixity, indexes, replica: replica() };
  };
}

/** What PostgreSQL and the network said is in the log. */
function reasonOf(error: unknown): string {
  if (isAppError(error, 'read_too_slow') || error instanceof TimeLimit) {
    return `PostgreSQL has not answered within ${LIMIT_MS / 1000} seconds.`;
  }
  return 'It could not be read. The log of the API says why.';
}
