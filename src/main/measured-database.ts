import { errorClass, errorClasses } from '../db/error-class.ts';
import type { PoolLook, PoolName, PoolObserver } from '../db/pool-observer.ts';
import type { ReplicaReport, ReplicaState } from '../db/replica-monitor.ts';
import type { Route } from '../db/routing.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { OnRetry } from '../platform/retry.ts';

/** Counts what happens in the pools. Their state is asked when the page is read, and of this process alone. */
export function watchPools(metrics: Metrics): PoolObserver {
  const looks = new Map<PoolName, () => PoolLook>();
  metrics.onPage(() => {
    for (const [pool, look] of looks) {
      const { connections, idle, waiting, limit } = look();
      metrics.set('database_connections', { pool, state: 'idle' }, idle);
      metrics.set('database_connections', { pool, state: 'in_use' }, connections - idle);
      metrics.set('database_connections_limit', { pool }, limit);
      metrics.set('database_callers_waiting', { pool }, waiting);
    }
  });
  return {
    onPool(pool, look) {
      looks.set(pool, look);
      // From 0 on, for of a series that begins at 1 nobody sees the step.
      for (const name of errorClasses) metrics.count('database_errors_total', { pool, class: name }, 0);
    },
    onAcquire: (pool, seconds) => metrics.observe('database_acquire_duration_seconds', { pool }, seconds),
    onError: (pool, error) => metrics.count('database_errors_total', { pool, class: errorClass(error) }),
  };
}

export function watchRetries(metrics: Metrics): OnRetry {
  for (const name of errorClasses) metrics.count('database_retries_total', { class: name }, 0);
  return (error) => metrics.count('database_retries_total', { class: errorClass(error) });
}

const replicaStates: readonly ReplicaState[] = ['ok', 'lagging', 'away'];

/** Counts where reads go, and says how the replica is. */
export function watchReads(
  metrics: Metrics,
  { hasReplica }: { readonly hasReplica: boolean },
): { onRoute(route: Route): void; onReplicaLook(report: ReplicaReport): void } {
  return {
    onRoute({ kind, server, why = 'none' }) {
      metrics.count('reads_total', { kind, server, why: hasReplica ? why : 'no_replica' });
    },
    onReplicaLook({ state, lagMs }) {
      for (const one of replicaStates) metrics.set('replica_state', { state: one }, one === state ? 1 : 0);
      const lag = lagMs === undefined ? [] : [{ labels: {}, value: lagMs / 1000 }];
      metrics.replace('replica_lag_seconds', lag);
    },
  };
}
