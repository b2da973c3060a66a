/**
 * The verbs of `bench:maintenance`, in a process of their own, as a worker's pod is: quarter by quarter it creates one
 * ahead, closes, archives, verifies and detaches an old one, and does not wait with the next for a detach that has
 * to wait for a reader.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { openDiskStore } from '../src/archive/disk-store.ts';
import { systemClock } from '../src/core/clock.ts';
import { calendar as calendarOf, nextName } from '../src/core/quarter.ts';
import { openDatabase } from '../src/db/database.ts';
import { toAppError } from '../src/db/sqlstate.ts';
import { archiveQuarter } from '../src/quarters/archive.ts';
import { closeQuarter } from '../src/quarters/close.ts';
import type { QuarterHouse } from '../src/quarters/context.ts';
import { createQuarter } from '../src/quarters/create.ts';
import { detachQuarter } from '../src/quarters/detach.ts';
import { readQuarters } from '../src/quarters/registry.ts';
import { verifyQuarter } from '../src/quarters/verify.ts';
import { mayPass } from '../src/queue/run-job.ts';

/** What the parent asks for: quarters to work on, one begun every so often; and to end when the one under way is done. */
export type WorkerOrder =
  | { readonly quarters: readonly string[]; readonly everyMs: number }
  | { readonly end: true };

/** How often each verb was done, and the failures that would not pass. */
export interface WorkerOutcome {
  readonly done: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

const [url = '', directory = ''] = process.argv.slice(2);
const run = { actor: 'bench' };
const calendar = calendarOf('UTC');
const house: QuarterHouse = {
  database: openDatabase({ databaseUrl: url, poolMax: 6, applicationName: 'bench worker' }),
  store: openDiskStore(directory),
  calendar,
  clock: systemClock,
  ledgerSet: 'ledger',
  premakeQuarters: 4,
  oldest: new Date('2000-01-01T00:00:00Z'),
  archiveApproval: 'auto',
  restoreDays: 14,
  version: '0.0.0-bench',
};
let ending = false;

process.on('message', (order: WorkerOrder) => {
  if ('end' in order) ending = true;
  else void work(order.quarters, order.everyMs).then((outcome) => process.send?.(outcome));
});
process.once('disconnect', () => process.exit());
process.send?.('ready');

async function work(quarters: readonly string[], everyMs: number): Promise<WorkerOutcome> {
  ending = false;
  const done: Record<string, number> = {};
  const failures: string[] = [];
  const detaching: Promise<void>[] = [];

  /** As the queue does it: what passes by itself is tried again. */
  async function act(verb: string, action: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await action();
        done[verb] = (done[verb] ?? 0) + 1;
        return;
      } catch (thrown) {
        const error = toAppError(thrown);
        if (!mayPass(error)) {
          failures.push(`${verb}: ${error.code}: ${error.detail}`);
          return;
        }
        done[`${verb} again`] = (done[`${verb} again`] ?? 0) + 1;
        await delay(500);
      }
    }
  }

  for (const quarter of quarters) {
    if (ending) break;
    const next = delay(everyMs);
    const known = await readQuarters(house.database.direct);
    await act('create', () => createQuarter(house, run, nextName(known.at(-1)?.quarter ?? quarter)));
    await act('close', () => closeQuarter(house, run, quarter));
    await act('archive', () => archiveQuarter(house, run, quarter));
    await act('verify', () => verifyQuarter(house, run, quarter));
    detaching.push(act('detach', () => detachQuarter(house, run, quarter)));
    while (!ending && !(await Promise.race([next.then(() => true), delay(100, false)])));
  }
  await Promise.all(detaching);
  return { done, failures };
}
