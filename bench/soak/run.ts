import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readPlan } from '../../jobs/quarter-tick.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { createAccounts } from '../../src/ledger/account-create.ts';
import { createLedger } from '../../src/ledger/ledgers.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { startServer } from '../../test/support/server.ts';
import type { Random } from '../distributions.ts';
import { isAway, openWatch } from './checks.ts';
import { openCrew } from './crew.ts';
import { judgeEnd } from './end.ts';
import { scheduledJobs, soakJobs } from './jobs.ts';
import { createMishaps } from './mishaps.ts';
import { planMishaps } from './plan.ts';
import { openSoak, type Setting } from './setting.ts';

export interface SoakOptions {
  readonly seed: number;
  readonly random: Random;
  readonly forMs: number;
  readonly rows: number;
  readonly keep: boolean;
}

/** From 2003 on there are so many quarters before what PostgreSQL holds to be the future. */
const MOST_QUARTERS = 80;
const QUARTER_MS = 6000;
const SETTLE_MS = 120_000;

/** @returns what is wrong, as sentences; none when nothing is */
export async function runSoak({ seed, random, forMs, rows, keep }: SoakOptions): Promise<string[]> {
  const began = performance.now();
  const say = (line: string) => {
    process.stdout.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}\n`);
  };
  const home = await mkdtemp(join(tmpdir(), 'quartermaster-soak-'));
  await mkdir(join(home, 'archive'));
  await mkdir(join(home, 'tmp'));
  const server = await startServer({ max_connections: '200' });
  const plan = planMishaps(random, forMs);
  const seeds = createSeeds(random);
  say(`Seed ${seed}: ${plan.length} mishaps in ${forMs / 60_000} minutes. Logs and archives are in ${home}.`);

  const opening = Date.now() + 3000;
  const base: Omit<Setting, 'name' | 'seed'> = {
    url: server.url,
    home,
    began: opening,
    ends: opening + forMs,
    quarterMs: Math.max(QUARTER_MS, forMs / MOST_QUARTERS),
    rows,
  };
  const house = openSoak({ ...base, name: 'conductor', seed });
  const faults: string[] = [];
  const fail = (what: string) => {
    if (faults.length < 50) faults.push(what);
    say(`FAULT ${what}`);
  };
  const stop = new AbortController();
  /** Does something again and again; that the server is dead is no fault of ours. */
  const loop = async (everyMs: number, action: () => Promise<void>) => {
    while (!stop.signal.aborted) {
      await action().catch((error: unknown) => {
        if (!isAway(error)) fail(String(error));
      });
      await delay(everyMs, undefined, { signal: stop.signal }).catch(() => {});
    }
  };

  await migrateUp(house.database.direct, { timezone: 'UTC', ledgerSet: 'ledger' });
  await house.queue.install(soakJobs(house));
  await reconcile(house.quarters, { actor: 'schedule' });
  await openAccounts(house);

  const loads = new Map<string, number>();
  const crew = openCrew(base, seeds, (name, booked) => loads.set(name, booked));
  const wanted = [
    ['worker', 'worker-1'],
    ['worker', 'worker-2'],
    ['writer', 'writer-1'],
    ['writer', 'writer-2'],
    ['reader', 'reader-1'],
  ] as const;
  const watch = openWatch(house);
  const mishaps = createMishaps({ crew, server, house, say, fail, loads });
  const pick = createSeeds(random);

  const loops = [
    loop(300, async () => {
      for (const [role, name] of wanted) if (!crew.living(role).includes(name)) crew.start(role, name);
    }),
    loop(1000, async () => {
      for (const job of scheduledJobs(house)) await house.queue.enqueue(house.database.write, job);
    }),
    loop(2500, async () => {
      for (const fault of await watch.look(pick() / 2 ** 32)) fail(fault);
    }),
  ];
  await mishaps.live(plan, opening);

  say('The time stands still; everything is to come to rest.');
  crew.tellWorkers({ rate: 0 });
  await mishaps.settle();
  await crew.dismiss(['writer', 'reader', 'loader']);
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    crew.tellWorkers({ rate: 0 });
    const steps = await readPlan(house).then(
      (found) => found.steps,
      () => undefined,
    );
    if (steps?.length === 0) break;
    if (performance.now() > deadline) {
      fail(`it did not come to rest: ${JSON.stringify(steps)} are still due`);
      break;
    }
    await delay(500);
  }
  // What was asked for last may still be under way.
  await delay(2000);
  stop.abort();
  await Promise.all(loops);
  await crew.dismiss(['worker']);
  for (const complaint of crew.complaints) fail(complaint);
  for (const fault of await watch.look(0)) fail(fault);
  for (const fault of await judgeEnd(house, { home, digests: watch.digests, loads, say })) fail(fault);
  say(`${crew.started} processes were started, ${watch.looks} looks taken. ${mishaps.told()}`);
  await house.close();
  await server.stop();
  if (faults.length > 0 || keep) say(`Logs, journals and archives are left in ${home}.`);
  else await rm(home, { recursive: true, force: true });
  return faults;
}

function createSeeds(random: Random): () => number {
  return () => Math.floor(random() * 2 ** 32);
}

/** Each writer has accounts of its own, which may all go below zero; and there are some for what comes late. */
async function openAccounts({ database }: ReturnType<typeof openSoak>): Promise<void> {
  const { id } = await createLedger(database.write, 'soak');
  const names = [
    ...['writer-1', 'writer-2'].flatMap((name) => Array.from({ length: 20 }, (_, i) => `${name}-${i}`)),
    ...Array.from({ length: 200 }, (_, i) => `late-${i}`),
  ];
  await createAccounts(
    database.write,
    id,
    names.map((name) => ({ address: `${name}:WALLET`, currency: 'EUR', minBalance: null })),
  );
}
