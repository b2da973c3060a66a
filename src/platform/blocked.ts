import type { Clock } from '../core/clock.ts';
import { quarterTables } from '../core/tables.ts';
import type { Metrics } from './metrics.ts';

/** As much of a session in our way as is needed to know it again. */
interface BlockerSeen {
  readonly pid: number;
  readonly transaction?: string;
  readonly transactionAge: number;
}

/** Told of every look at who is in the way; `done()` says that nobody is any more. */
export interface BlockedWatch {
  onBlocked(
    relations: readonly string[],
    blockers: readonly BlockerSeen[],
    attempt: number,
    waiting: 'short' | 'long',
  ): void;
  done(): void;
}

/** After so long without another look a wait is over: the process may have ended it without a word. */
const STALE_MS = 10_000;

/** After so long it is forgotten since when a transaction is in our way: work that failed for it begins anew within the hour. */
const FORGOTTEN_MS = 2 * 3_600_000;

/**
 * Counts who is in the way of maintenance. Each piece of work that may have to wait for a lock takes a watch of its own; since when a
 * transaction is in our way is known to all of them, for of one of another role PostgreSQL does not tell how old it is.
 */
export function createBlockedWatches(metrics: Metrics, clock: Clock): () => BlockedWatch {
  // By watch and table, for two pieces of work may wait for the same table.
  const waits = new Set<Map<string, { age: number; at: number }>>();
  const seen = new Map<string, { since: number; at: number }>();
  function ageOf({ pid, transaction, transactionAge }: BlockerSeen, at: number): number {
    if (transaction === undefined) return transactionAge;
    for (const [who, last] of seen) if (at - last.at > FORGOTTEN_MS) seen.delete(who);
    const who = `${pid} ${transaction}`;
    const since = seen.get(who)?.since ?? at - transactionAge * 1000;
    seen.set(who, { since, at });
    return Math.max(transactionAge, (at - since) / 1000);
  }
  metrics.onPage(() => {
    const oldest = new Map<string, number>();
    for (const [relation, { age, at }] of [...waits].flatMap((wait) => [...wait])) {
      if (clock.now().getTime() - at > STALE_MS) continue;
      oldest.set(relation, Math.max(age, oldest.get(relation) ?? 0));
    }
    metrics.replace(
      'blocked_by_age_seconds',
      [...oldest].map(([relation, value]) => ({ labels: { relation }, value })),
    );
  });
  // From 0 on, for of a series that begins at 1 nobody sees the step.
  for (const relation of tables) metrics.count('lock_timeouts_total', { relation }, 0);
  return () => {
    const wait = new Map<string, { age: number; at: number }>();
    waits.add(wait);
    return {
      onBlocked(relations, blockers, _attempt, waiting) {
        const at = clock.now().getTime();
        const age = Math.max(0, ...blockers.map((blocker) => ageOf(blocker, at)));
        // It waits for one thing at a time.
        wait.clear();
        for (const relation of new Set(relations.map(tableOf))) {
          wait.set(relation, { age, at });
          if (waiting === 'short') metrics.count('lock_timeouts_total', { relation });
        }
      },
      done: () => void waits.delete(wait),
    };
  };
}

/** What is none of ours, such as a partition made elsewhere. */
const OTHER = 'other';

/** The values of the label `relation`. */
export const tables: readonly string[] = [
  ...quarterTables.map(({ schema, name }) => `${schema}.${name}`),
  OTHER,
];

/** The table of a partition. */
function tableOf(relation: string): string {
  const name = relation.replace(/_[0-9]{4}q[1-4]$/, '');
  return tables.includes(name) ? name : OTHER;
}
