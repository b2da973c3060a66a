import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { onTestFinished } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import type { ReplicaReport } from '../../src/db/replica-monitor.ts';
import { createRouter, type Route, type Router, type Timing } from '../../src/db/routing.ts';
import type { Db } from '../../src/db/schema.ts';
import { query } from '../support/embedded.ts';
import { type Replication, startReplication } from '../support/replica.ts';

/** Two servers with the table the tests write to. */
export async function startServers(): Promise<Replication> {
  const servers = await startReplication();
  await query(servers.primary.url, 'CREATE TABLE public.seen (n int)');
  await servers.replica.caughtUp();
  return servers;
}

const HOUR = 3_600_000;
/** Far beyond what a busy machine takes, where the test is not about a server that hangs. */
export const patient = { intervalMs: 50, checkMs: 20_000, readMs: 20_000 };
export const hasty = { intervalMs: 50, checkMs: 500, readMs: 1000 };

export interface Routed {
  readonly router: Router;
  readonly db: Db;
  readonly routes: Route[];
  readonly reports: ReplicaReport[];
}

/** A started router; until it says that the replica is well unless told otherwise. */
export async function routed(
  servers: Replication,
  options: {
    maxLagMs?: number;
    timing?: Partial<Timing>;
    url?: string;
    replicaUrl?: string;
    isWell?: boolean;
  } = {},
): Promise<Routed> {
  const database = openDatabase({
    databaseUrl: options.url ?? servers.primary.url,
    replicaUrl: options.replicaUrl ?? servers.replica.url,
    poolMax: 5,
  });
  const routes: Route[] = [];
  const reports: ReplicaReport[] = [];
  const router = createRouter({
    database,
    maxLagMs: options.maxLagMs ?? HOUR,
    timing: options.timing ?? patient,
    onRoute: (route) => routes.push(route),
    onReplicaState: (report) => reports.push(report),
  });
  await router.start();
  onTestFinished(async () => {
    await router.stop();
    await database.close();
  });
  const all = { router, db: database.write, routes, reports };
  if (options.isWell !== false) await stateIs(all, 'ok');
  return all;
}

export async function stateIs({ reports }: Routed, state: ReplicaReport['state']): Promise<void> {
  await until(() => reports.at(-1)?.state === state);
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(10);
}

export async function roleOf(db: Db): Promise<'primary' | 'replica'> {
  const { rows } = await sql<{ standby: boolean }>`SELECT pg_is_in_recovery() AS standby`.execute(db);
  return rows[0]?.standby ? 'replica' : 'primary';
}

/** Which server answers, and the largest number it shows. */
export async function look(db: Db): Promise<{ role: 'primary' | 'replica'; seen: number }> {
  const { rows } = await sql<{ seen: number }>`SELECT coalesce(max(n), 0) AS seen FROM public.seen`.execute(
    db,
  );
  return { role: await roleOf(db), seen: rows[0]?.seen ?? 0 };
}

/** Writes a number larger than all before, and gives the position that covers it. */
export async function write({ db, router }: Routed): Promise<{ n: number; position: string }> {
  const { rows } = await sql<{ n: number }>`
    INSERT INTO public.seen SELECT coalesce(max(n), 0) + 1 FROM public.seen RETURNING n`.execute(db);
  return { n: rows[0]?.n ?? 0, position: (await router.position()) as string };
}
