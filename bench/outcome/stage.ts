import type { Bench } from '../bench.ts';
import { bytesRead, cpuSeconds } from '../cpu-time.ts';
import { type BenchServer, withClient } from '../database.ts';
import type { Data } from '../read-data.ts';
import { runCommand, startServer, worker } from '../server-process.ts';
import type { MixPlan } from './mix.ts';
import type { Side } from './requests.ts';
import { logLength, type SlowStatement, slowSince } from './slow-log.ts';

/** All that a turn needs and that is the same for every one. */
export interface Stage {
  readonly bench: Bench;
  readonly server: BenchServer;
  readonly data: Data;
  readonly ledger: string;
  /** The token of a key that both sides know. */
  readonly key: string;
  /** Where archives would go. */
  readonly store: string;
  readonly mix: Pick<MixPlan, 'accounts' | 'rows' | 'start' | 'today'>;
}

/** By which PostgreSQL's log tells who sent a statement. */
const applications = { ours: ['api', 'worker'], before: ['before'] } as const;
type Application = (typeof applications)[Side][number];

/** The processes of a side, which listen while it has its turn and at no other time: what is idle costs the other nothing. */
export interface Standing {
  readonly origin: string;
  /** Ends them, the work in the background brought to its end, and returns when nothing of them is left in PostgreSQL. */
  stop(): Promise<void>;
}

export async function startSide(stage: Stage, side: Side): Promise<Standing> {
  const { bench } = stage;
  const leave = () => forgetSessions(stage, side);
  if (side === 'before') {
    // Every refused connection is an error that it would tell at length.
    const environment = { ...environmentOf(stage, 'before'), QM_LOG_LEVEL: 'fatal' };
    const server = await startServer(bench, 'Before', ['bench/outcome/before-server.ts'], environment);
    return {
      origin: server.origin,
      stop: async () => {
        await server.stop();
        await leave();
      },
    };
  }
  const upkeep = environmentOf(stage, 'worker');
  const [keeper, api] = await Promise.all([
    startServer(bench, 'The worker', ['src/main/cli.ts', 'worker'], upkeep, worker),
    startServer(bench, 'The API', ['src/main/cli.ts', 'api'], environmentOf(stage, 'api')),
  ]);
  return {
    origin: api.origin,
    stop: async () => {
      await api.stop();
      // A turn may end between two of the refreshes that the worker makes every minute.
      await runCommand(bench, ['run', 'refresh-summaries', '--json'], upkeep);
      await keeper.stop();
      await leave();
    },
  };
}

/** The settings of a process, and its name for PostgreSQL. Archives are no part of this. */
export function environmentOf({ data, store }: Stage, application: Application): Record<string, string> {
  const url = new URL(data.url);
  url.searchParams.set('application_name', application);
  return { QM_DATABASE_URL: url.href, QM_STORE: `file://${store}`, QM_ARCHIVE_QUARTERS: 'off' };
}

/** Ends what a side's processes have left under way: nobody waits for it any more. */
async function forgetSessions({ server }: Stage, side: Side): Promise<void> {
  await withClient(server.adminUrl, async (admin) => {
    for (;;) {
      const { rowCount } = await admin.query(
        `SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
         WHERE application_name = ANY ($1) AND backend_type = 'client backend'`,
        [applications[side]],
      );
      if (rowCount === 0) return;
    }
  });
}

/** So that what one turn left to be written does not fall into the next. */
export async function checkpoint({ server }: Pick<Stage, 'server'>): Promise<void> {
  await withClient(server.adminUrl, (admin) => admin.query('CHECKPOINT'));
}

/** What PostgreSQL has spent since. */
export interface Spent {
  readonly cpu: number;
  readonly bytes: number;
  readonly slow: readonly SlowStatement[];
}

/** Begins to measure what all processes of the server take, those that end meanwhile included. */
export function startMeter({ server }: Pick<Stage, 'server'>): () => Spent {
  const { pid, log } = server;
  if (pid === undefined || log === undefined)
    throw new Error('Only a server of the bench’s own can be measured.');
  const take = () => {
    const [cpu, bytes] = [cpuSeconds(pid), bytesRead(pid)];
    if (cpu === undefined || bytes === undefined)
      throw new Error('What PostgreSQL spends is read from /proc, which only Linux has.');
    return { cpu, bytes };
  };
  const length = logLength(log);
  const before = take();
  return () => {
    const after = take();
    return {
      cpu: after.cpu - before.cpu,
      bytes: after.bytes - before.bytes,
      slow: slowSince(log, length),
    };
  };
}
