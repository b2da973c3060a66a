import { Counter, Gauge, Registry } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import { quarterTables } from '../core/tables.ts';

/** A page of metrics as Prometheus reads it. */
export interface MetricsPage {
  readonly contentType: string;
  render(): Promise<string>;
}

/** Told of every look at who is in the way; `done()` says that nobody is any more. */
export interface BlockedWatch {
  onBlocked(
    relations: readonly string[],
    blockers: readonly { readonly transactionAge: number }[],
    attempt: number,
    waiting: 'short' | 'long',
  ): void;
  done(): void;
}

/** What a process counts and measures. Labels are of few values: tables and not partitions, codes and not sentences. */
export interface Metrics {
  readonly page: MetricsPage;
  /** One for each piece of work that may have to wait for a lock. */
  watchBlocked(): BlockedWatch;
  /** What a reconcile found: until when every row has a quarter, and how many findings there are of each code. */
  reconciled(found: { readonly horizon: Date; readonly drift: readonly { readonly code: string }[] }): void;
  /** `outcome` is `done`, or the kind of the failure. */
  quarterJob(verb: string, outcome: string): void;
  /** An archive that was read again is not what was written. */
  fixityFailed(): void;
  /** Rows of the summaries were not what the ledger's rows come to. */
  summariesDiffered(rows: number): void;
}

/** After so long without another look a wait is over: the process may have ended it without a word. */
const STALE_MS = 10_000;

export function createMetrics({ version, clock }: { version: string; clock: Clock }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'quartermaster_build_info',
    help: 'Always 1; the version is its label.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);

  // By watch and table, for two pieces of work may wait for the same table.
  const waits = new Set<Map<string, { age: number; at: number }>>();
  new Gauge({
    name: 'quartermaster_blocked_by_age_seconds',
    help: 'Age of the oldest transaction that maintenance of the table waits for. Absent while nobody is in the way.',
    labelNames: ['relation'],
    registers,
    collect() {
      this.reset();
      const oldest = new Map<string, number>();
      for (const [relation, { age, at }] of [...waits].flatMap((wait) => [...wait])) {
        if (clock.now().getTime() - at > STALE_MS) continue;
        oldest.set(relation, Math.max(age, oldest.get(relation) ?? 0));
      }
      for (const [relation, age] of oldest) this.set({ relation }, age);
    },
  });
  const lockTimeouts = new Counter({
    name: 'quartermaster_lock_timeouts_total',
    help: 'Short waits for a lock that were given up, to be tried again.',
    labelNames: ['relation'],
    registers,
  });
  const fixityFailures = new Counter({
    name: 'quartermaster_fixity_failures_total',
    help: 'Archives that were read again and are not what was written.',
    registers,
  });
  const summaryDifferences = new Counter({
    name: 'quartermaster_summary_differences_total',
    help: 'Rows of the summaries that were not what the rows of the ledger come to.',
    registers,
  });
  const quarterJobs = new Counter({
    name: 'quartermaster_quarter_jobs_total',
    help: 'Steps in the life of a quarter, by how they ended.',
    labelNames: ['verb', 'outcome'],
    registers,
  });
  const drift = new Gauge({
    name: 'quartermaster_drift',
    help: 'What the last reconcile found that is not as it should be, by code.',
    labelNames: ['code'],
    registers,
  });
  let horizon: Date | undefined;
  new Gauge({
    name: 'quartermaster_horizon_seconds',
    help: 'For how long every row has an open quarter to go to. Absent until the first reconcile of this process.',
    registers,
    collect() {
      this.reset();
      // Without labels a reset would leave a 0, which is the one value that wakes somebody up.
      if (horizon === undefined) this.remove();
      else this.set((horizon.getTime() - clock.now().getTime()) / 1000);
    },
  });

  return {
    page: { contentType: registry.contentType, render: () => registry.metrics() },
    watchBlocked() {
      const wait = new Map<string, { age: number; at: number }>();
      waits.add(wait);
      return {
        onBlocked(relations, blockers, _attempt, waiting) {
          const age = Math.max(0, ...blockers.map(({ transactionAge }) => transactionAge));
          // It waits for one thing at a time.
          wait.clear();
          for (const relation of new Set(relations.map(tableOf))) {
            wait.set(relation, { age, at: clock.now().getTime() });
            if (waiting === 'short') lockTimeouts.inc({ relation });
          }
        },
        done: () => void waits.delete(wait),
      };
    },
    reconciled(found) {
      horizon = found.horizon;
      drift.reset();
      for (const { code } of found.drift) drift.inc({ code });
    },
    quarterJob: (verb, outcome) => quarterJobs.inc({ verb, outcome }),
    fixityFailed: () => fixityFailures.inc(),
    summariesDiffered: (rows) => summaryDifferences.inc(rows),
  };
}

/** The table of a partition. What is none of ours, such as a partition made elsewhere, counts as `other`. */
function tableOf(relation: string): string {
  const name = relation.replace(/_[0-9]{4}q[1-4]$/, '');
  return quarterTables.some((table) => `${table.schema}.${table.name}` === name) ? name : 'other';
}
