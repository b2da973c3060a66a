import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { calendar } from '../src/core/quarter.ts';
import { type Bench, runBench } from './bench.ts';
import { openServer, withClient } from './database.ts';
import { ACCOUNTS, fillQuarters, plainCreate, plainDetach, verifyWriters } from './maintenance-data.ts';
import type { WorkerOrder, WorkerOutcome } from './maintenance-worker.ts';
import type { WriterOrder, WriterOutcome } from './maintenance-writer.ts';
import { readOptions } from './options.ts';

/**
 * Writers at a steady rate and a reader that holds one transaction for two minutes (`--seconds`), while quarters are created, closed,
 * archived, verified and detached: against the same without any maintenance (calm), and against `CREATE TABLE … PARTITION OF`
 * and plain `DETACH` (plain), which wait for the reader and make everybody wait behind them. `--rows` are the
 * transactions of an old quarter. docs/performance.md says what each figure means.
 */
const options = readOptions(process.argv.slice(2), { rows: [20_000], rounds: 1, seconds: 120 });

const RATE = 200;
/** An old quarter is begun that often, until the reader ends. */
const EVERY_SECONDS = 10;
/** Before the reader: the maintenance begins when it is in place. After it: what waited for it is seen to end. */
const SETTLE_SECONDS = 3;
const WARM_UP_SECONDS = 5;

const sides = ['calm', 'ours', 'plain'] as const;
type Side = (typeof sides)[number];

await runBench(options, async (bench) => {
  const { rounds, seconds } = options;
  const server = await openServer(bench);
  const url = await server.createDatabase();
  const each = Math.max(1, Math.ceil(seconds / EVERY_SECONDS));
  // The newest of the old ones are for the plain way: quarters are closed in order.
  const old = await fillQuarters(bench, url, rounds * (each + 1), options.rows[0] as number);
  const store = await mkdtemp(join(tmpdir(), 'quartermaster-bench-'));
  bench.onEnd(() => rm(store, { recursive: true, force: true }));
  const writer = await startChild<WriterOrder, WriterOutcome>(bench, 'maintenance-writer.ts', [
    url,
    String(RATE),
    String(ACCOUNTS),
  ]);
  const worker = await startChild<WorkerOrder, WorkerOutcome>(bench, 'maintenance-worker.ts', [url, store]);
  const outcomes: Record<Side, WriterOutcome[]> = { calm: [], ours: [], plain: [] };
  let acknowledged = 0;

  async function phase(side: Side | 'warm-up', round: number, life: number): Promise<WriterOutcome> {
    await levelGround(server.adminUrl, url);
    const writing = writer.ask({ begin: { seed: round } });
    const maintaining: Promise<unknown>[] = [];
    await withReader(url, async (endReader) => {
      await delay(1000);
      if (side === 'ours') maintaining.push(maintain(round));
      if (side === 'plain') maintaining.push(...maintainPlainly(url, old.at(-round) as string, round));
      await delay(life * 1000);
      worker.send({ end: true });
      await endReader();
      await delay(SETTLE_SECONDS * 1000);
    });
    await Promise.all(maintaining);
    writer.send({ end: true });
    const outcome = await writing;
    acknowledged += outcome.transactions;
    bench.say(`  ${side.padEnd(7)} ${describe(outcome)}`);
    return outcome;
  }

  async function maintain(round: number): Promise<void> {
    const quarters = old.slice((round - 1) * each, round * each);
    const { done, failures } = await worker.ask({ quarters, everyMs: EVERY_SECONDS * 1000 });
    if (failures.length > 0) throw new Error(failures.join('\n'));
    const told = Object.entries(done).map(([verb, times]) => `${verb} ${times}`);
    bench.say(`  done meanwhile: ${told.join(', ')}`);
  }

  bench.say(`${RATE} transactions a second; the reader lives for ${seconds} s.`);
  await phase('warm-up', 1000, WARM_UP_SECONDS);
  for (let round = 1; round <= rounds; round++)
    for (const side of sides) outcomes[side].push(await phase(side, round, seconds));

  const total = (...of: readonly Side[]) =>
    of.flatMap((side) => outcomes[side]).reduce((sum, { transactions }) => sum + transactions, 0);
  const every = (side: Side, what: 'p999' | 'longest') => outcomes[side].map((outcome) => outcome[what]);
  bench.print(
    { figure: 'maintenance.p999/calm', unit: 'ms', rows: total('ours', 'calm'), goal: 0.5 },
    every('ours', 'p999'),
    every('calm', 'p999'),
  );
  bench.print(
    { figure: 'maintenance.stall/plain', unit: 'ms', rows: total('ours', 'plain'), goal: 100 },
    every('ours', 'longest'),
    every('plain', 'longest'),
  );
  const stalls = outcomes.ours.reduce((sum, outcome) => sum + outcome.stalls, 0);
  const errors = outcomes.ours.flatMap((outcome) => Object.values(outcome.errors)).reduce((a, b) => a + b, 0);
  bench.say(`Ours: ${stalls} batches took longer than 250 ms, ${errors} failed.`);
  await verifyWriters(url, acknowledged);
  bench.say(`The books hold the ${acknowledged} transactions that were acknowledged, and no other.`);
});

/**
 * No phase pays for another: what the last one left dead is cleared away, and no checkpoint by the clock falls into this one.
 */
async function levelGround(adminUrl: string, url: string): Promise<void> {
  await withClient(url, (client) => client.query('VACUUM ledger.balances'));
  await withClient(adminUrl, (admin) => admin.query('CHECKPOINT')).catch((error: { code?: string }) => {
    // A server that was given may not let us.
    if (error.code !== '42501') throw error;
  });
}

/**
 * A reader that has read both tables of this quarter through their parents, and keeps its transaction and its snapshot. The
 * bounds are written out: PostgreSQL then locks the parents and this quarter, and none of the old ones, as a report on
 * the quarter does.
 */
async function withReader(url: string, action: (end: () => Promise<void>) => Promise<void>): Promise<void> {
  const { start, end } = calendar('UTC').quarterOf(new Date());
  await withClient(url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    for (const table of ['transactions', 'entries']) {
      await client.query(
        `SELECT count(*) FROM ledger.${table}
         WHERE created_at >= '${start.toISOString()}' AND created_at < '${end.toISOString()}'`,
      );
    }
    await action(async () => {
      await client.query('COMMIT');
    });
  });
}

/** As it is done without care: each on a connection of its own, without a timeout. */
function maintainPlainly(url: string, quarter: string, round: number): Promise<void>[] {
  return [plainCreate(round), plainDetach(quarter)].map((statements) =>
    withClient(url, async (client) => {
      for (const statement of statements) await client.query(statement);
    }),
  );
}

interface Child<Order, Outcome> {
  send(order: Order): void;
  /** Sends the order and waits for what comes of it. */
  ask(order: Order): Promise<Outcome>;
}

async function startChild<Order extends object, Outcome>(
  bench: Bench,
  file: string,
  args: readonly string[],
): Promise<Child<Order, Outcome>> {
  const child: ChildProcess = fork(join(import.meta.dirname, file), [...args], { stdio: 'inherit' });
  bench.onEnd(async () => {
    if (child.connected) child.disconnect();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const died = once(child, 'exit').then(() => {
    throw new Error(`${file} died; what it said is above.`);
  });
  // At the end of the bench it is to die, and nobody waits for that.
  died.catch(() => {});
  const answer = () => Promise.race([once(child, 'message').then(([said]) => said as Outcome), died]);
  await answer();
  return {
    send: (order) => void child.send(order),
    ask: async (order) => {
      const coming = answer();
      child.send(order);
      return coming;
    },
  };
}

function describe({ transactions, p50, p999, longest, stalls, errors }: WriterOutcome): string {
  const failed = Object.entries(errors).map(([code, times]) => `${times} times ${code}`);
  return [
    `${transactions} transactions`,
    `p50 ${p50.toFixed(1)} ms`,
    `p99.9 ${p999.toFixed(1)} ms`,
    `longest ${longest.toFixed(0)} ms`,
    `${stalls} batches over 250 ms`,
    failed.length > 0 ? failed.join(', ') : 'no error',
  ].join(', ');
}
