import pg from 'pg';
import { stopwatch } from '../core/clock.ts';
import type { PoolName, PoolObserver } from './pool-observer.ts';
import { sqlState } from './sqlstate.ts';

type Taken = Parameters<Parameters<pg.Pool['connect']>[0]>;

/** A pool that tells how long callers waited for a connection. Statements pass it by: it costs nothing while they run. */
export class WatchedPool extends pg.Pool {
  readonly #acquired: (seconds: number, error: unknown) => void;

  constructor(config: pg.PoolConfig, name: PoolName, observer: PoolObserver) {
    super(config);
    this.#acquired = (seconds, error) => {
      observer.onAcquire(name, seconds);
      // What the server itself refused the connection has told already.
      if (error !== undefined && sqlState(error) === undefined && !this.ending) observer.onError(name, error);
    };
    observer.onPool(name, () => ({
      connections: this.totalCount,
      idle: this.idleCount,
      waiting: this.waitingCount,
      limit: config.max ?? 10,
    }));
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: (...taken: Taken) => void): void;
  override connect(callback?: (...taken: Taken) => void): Promise<pg.PoolClient> | undefined {
    const seconds = stopwatch();
    if (callback !== undefined) {
      super.connect((...taken) => {
        this.#acquired(seconds(), taken[0]);
        callback(...taken);
      });
      return undefined;
    }
    // With a callback, for which the pool makes no promise of its own: there is one a caller, as without us.
    return new Promise((resolve, reject) => {
      super.connect((error, client) => {
        this.#acquired(seconds(), error);
        if (client !== undefined && error === undefined) resolve(client);
        else reject(error);
      });
    });
  }
}
