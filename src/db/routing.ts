import { sql } from 'kysely';
import type pg from 'pg';
import { pause, throwIfAborted } from '../platform/retry.ts';
import type { Service } from '../platform/service.ts';
import type { Database, ReplicaPools } from './database.ts';
import { answerWithin, withLease } from './lease.ts';
import { readPosition, shareNext } from './primary-position.ts';
import { beginReadOnly, endReadOnly, inTransactionOf, type ServerSide } from './read-only.ts';
import { ReplicaFailure, readOnReplica } from './replica.ts';
import { createReplicaMonitor, type ReplicaReport } from './replica-monitor.ts';
import type { Db } from './schema.ts';
import { formatPosition, parsePosition } from './wal-position.ts';

/** What is read. A `point` goes to the primary, where a write is visible at once; the others may go to the replica. */
export type ReadClass = 'list' | 'statement' | 'summary' | 'point';

export type ServerRole = 'primary' | 'replica';

/** Where a read went, and why not to the replica: its class, the replica's state, the position asked for, or a failure. */
export interface Route {
  readonly kind: ReadClass | 'report';
  readonly server: ServerRole;
  readonly why?: 'class' | 'state' | 'position' | 'failure' | undefined;
}

export interface ReadOptions {
  /** The reader has seen the ledger as it was there, as `16/B374D848`, and must not see an older one. */
  readonly position?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sends reads to the primary or the replica. `start()` begins to watch the replica; before it all goes to the primary. */
export interface Router extends Service {
  /**
   * Reads by the action, which must only read, with the connection it is given, and begin no transaction of its own;
   * when the replica fails it is run once more on the primary. Failures of the action are thrown as they came.
   */
  read<T>(kind: ReadClass, options: ReadOptions, action: (db: Db) => Promise<T>): Promise<T>;
  /**
   * The position that covers every write answered before the call, for later reads; undefined where there is no
   * replica, and where the primary does not tell: what was written must not fail for that.
   */
  position(): Promise<string | undefined>;
  /**
   * Runs the action in a read-only transaction on a connection of its own, on the primary over the direct way. What was
   * meant for the replica goes to the primary while the replica is not well, or when it fails.
   *
   * @throws AppError aborted/aborted
   */
  report<T>(
    server: ServerRole,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
    action: (client: pg.ClientBase, server: ServerRole) => Promise<T>,
  ): Promise<T>;
}

export interface RouterOptions {
  readonly database: Database;
  /** How far the replica may be behind; the time between two looks comes on top. */
  readonly maxLagMs: number;
  readonly onRoute?: (route: Route) => void;
  /** Told of each look at the replica, and of each change of its state. */
  readonly onReplicaLook?: (report: ReplicaReport) => void;
  readonly onReplicaState?: (report: ReplicaReport) => void;
  readonly timing?: Partial<Timing>;
}

/** Milliseconds. */
export interface Timing {
  /** Between two looks at the replica. */
  readonly intervalMs: number;
  /** What a server may take for what takes no time: to begin a transaction, to tell where it stands. */
  readonly checkMs: number;
  /** What a read may take on the replica before it is done on the primary. */
  readonly readMs: number;
  /** How long a read waits for its position between two tries; nothing is held meanwhile. */
  readonly waitsMs: readonly number[];
}

/** A read waits 300 ms in all. */
const usual: Timing = { intervalMs: 1000, checkMs: 1000, readMs: 5000, waitsMs: [5, 10, 20, 40, 75, 150] };

/** Makes the router; nothing is connected before it is started or used. */
export function createRouter(options: RouterOptions): Router {
  const { database, onRoute } = options;
  const { replica } = database;
  const timing = { ...usual, ...options.timing };
  const { checkMs } = timing;
  const askPosition = shareNext(() => answerWithin(checkMs, readPosition(database.write)));
  const monitor =
    replica &&
    createReplicaMonitor({
      maxLagMs: options.maxLagMs,
      intervalMs: timing.intervalMs,
      primaryPosition: askPosition,
      look: (anew) => look(database.write, replica, checkMs, anew),
      onLook: options.onReplicaLook,
      onChange: options.onReplicaState,
    });

  /** Undefined where the primary has to do it. */
  async function tryReplica<T>(
    kind: Route['kind'],
    read: ReadOptions & { readonly statementMs: number },
    action: (client: pg.ClientBase) => Promise<T>,
  ): Promise<{ result: T } | undefined> {
    const toPrimary = (why: Route['why']): undefined => {
      onRoute?.({ kind, server: 'primary', why });
    };
    const wanted = read.position === undefined ? 0n : parsePosition(read.position);
    // What is no position came from a client, and the primary is behind none.
    if (wanted === undefined) return toPrimary('position');
    const waits = wanted === 0n ? [] : [...timing.waitsMs];
    for (;;) {
      const floor = monitor?.floor();
      if (replica === undefined || floor === undefined) return toPrimary('state');
      const needed = wanted > floor ? wanted : floor;
      try {
        const outcome = await readOnReplica(replica.reads, { ...read, needed, checkMs }, action);
        if (outcome !== 'behind') {
          onRoute?.({ kind, server: 'replica' });
          return outcome;
        }
      } catch (error) {
        if (!(error instanceof ReplicaFailure)) throw error;
        if (error.isSerious) monitor?.suspect(`A read failed: ${error.message}.`);
        return toPrimary('failure');
      }
      const waitMs = waits.shift();
      if (waitMs === undefined) return toPrimary(wanted > floor ? 'position' : 'state');
      await pause(waitMs, read.signal);
    }
  }

  return {
    name: 'read-routing',

    start: async () => monitor?.start(),
    stop: async () => monitor?.stop(),

    async read(kind, { position, signal }, action) {
      throwIfAborted(signal);
      if (kind === 'point' || replica === undefined) onRoute?.({ kind, server: 'primary', why: 'class' });
      else {
        const read = { position, signal, statementMs: timing.readMs };
        const done = await tryReplica(kind, read, (client) => inTransactionOf(client, action));
        if (done !== undefined) return done.result;
      }
      return action(database.write);
    },

    async position() {
      if (replica === undefined) return undefined;
      return askPosition().then(formatPosition, () => undefined);
    },

    async report(server, { timeoutMs, signal }, action) {
      if (server === 'primary') onRoute?.({ kind: 'report', server, why: 'class' });
      else {
        const read = { signal, statementMs: timeoutMs };
        const done = await tryReplica('report', read, (client) => action(client, 'replica'));
        if (done !== undefined) return done.result;
      }
      return database.withClient(async (client) => {
        await beginReadOnly(client, timeoutMs);
        const result = await action(client, 'primary');
        await endReadOnly(client);
        return result;
      }, signal);
    },
  };
}

/** One look at the replica, each step of it bounded. */
async function look(
  primary: Db,
  { probes }: ReplicaPools,
  checkMs: number,
  anew: boolean,
): Promise<ServerSide & { isForeign?: boolean }> {
  // Thrown away afterwards: of the two looks after a failure the second cannot have an old connection.
  return withLease(probes, { isLast: anew }, async ({ client, within }) => {
    const side = await within(checkMs, () => beginReadOnly(client, checkMs));
    if (!anew) {
      await within(checkMs, () => endReadOnly(client));
      return side;
    }
    const [own, others] = await Promise.all([
      answerWithin(checkMs, sql<SystemRow>`${sql.raw(SYSTEM)}`.execute(primary)).catch(() => undefined),
      within(checkMs, () => client.query<SystemRow>(SYSTEM)).catch(() => undefined),
    ]);
    await within(checkMs, () => endReadOnly(client));
    // Where the role may not ask, it is taken for ours: what was replayed is compared in any case.
    const [expected, found] = [own?.rows[0]?.id, others?.rows[0]?.id];
    return { ...side, isForeign: expected !== undefined && found !== undefined && expected !== found };
  });
}

interface SystemRow {
  readonly id: string;
}

/** Made up by initdb, and the same in all copies of a cluster. */
const SYSTEM = 'SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()';
