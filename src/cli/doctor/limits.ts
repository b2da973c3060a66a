/** From where on something is told. A test has others, for it cannot wait for an hour or fill a disk. */
export interface Limits {
  /** Milliseconds: for one check, for all of them, and until a connection stands. */
  readonly checkMs: number;
  readonly allMs: number;
  readonly connectMs: number;
  /** Seconds. */
  readonly skew: number;
  readonly idleInTransaction: number;
  readonly longTransaction: number;
  readonly lagSeconds: number;
  readonly prepared: number;
  /** A worker that has given no sign of life for so long. */
  readonly workerSilent: number;
  readonly jobReady: number;
  /** Bytes. */
  readonly largeDatabase: number;
  readonly replicaFrom: number;
  readonly slotWal: number;
  readonly memory: number;
  readonly freeFailed: number;
  readonly freeAdvice: number;
  readonly openFiles: number;
  /** Transaction ids: PostgreSQL stops at two billion. */
  readonly ageAdvice: number;
  readonly ageFailed: number;
  /** Archives whose manifests are looked for in the store, the newest first. */
  readonly manifests: number;
  /** Accounts of each ledger that are compared, so that it stays a matter of seconds. The job compares all. */
  readonly compared: number;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

export const limits: Limits = {
  checkMs: 12_000,
  allMs: 45_000,
  connectMs: 5_000,
  skew: 5,
  idleInTransaction: 300,
  longTransaction: 3600,
  lagSeconds: 8,
  prepared: 300,
  workerSilent: 300,
  jobReady: 900,
  largeDatabase: 4 * GIB,
  replicaFrom: 50 * GIB,
  slotWal: GIB,
  memory: GIB,
  freeFailed: 128 * MIB,
  freeAdvice: 2 * GIB,
  openFiles: 1024,
  ageAdvice: 1_000_000_000,
  ageFailed: 1_600_000_000,
  manifests: 40,
  compared: 20_000,
};
