/** The pools of a process, by what they are for. */
export type PoolName = 'write' | 'direct' | 'replica' | 'probe';

/** How a pool is at the moment. */
export interface PoolLook {
  /** All connections, those that are being made included. */
  readonly connections: number;
  readonly idle: number;
  /** Callers that wait for one. */
  readonly waiting: number;
  readonly limit: number;
}

/** Told of what happens in the pools. What it does is done between two statements, so it is quick and throws nothing. */
export interface PoolObserver {
  /** A pool was opened; `look` may be called at any time. */
  onPool(pool: PoolName, look: () => PoolLook): void;
  /** A caller got a connection, or none, after so many seconds. */
  onAcquire(pool: PoolName, seconds: number): void;
  /** A statement failed, or a connection was lost or could not be made. Each failure is told once. */
  onError(pool: PoolName, error: unknown): void;
}
