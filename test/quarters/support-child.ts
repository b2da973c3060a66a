import { closeQuarter } from '../../src/quarters/close.ts';
import { createQuarter, ensureQuarters } from '../../src/quarters/create.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { freezeQuarters } from '../../src/quarters/freeze.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { openHouse } from './support.ts';
import type { ChildTask } from './support-process.ts';

/**
 * A process that runs one verb, told by its argument, and prints its report or its failure as one line of JSON. At the
 * step `dieAt` it kills itself as the kernel would; when blocked it prints `blocked`.
 */
const task = JSON.parse(process.argv[2] ?? '{}') as ChildTask;
const house = openHouse(task.url, task.house);
const run = {
  actor: 'child',
  step: async (name: string) => {
    if (name !== task.dieAt) return;
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => {});
  },
  onBlocked: () => void process.stdout.write('"blocked"\n'),
};

const verbs = {
  create: () => createQuarter(house, run, task.quarter ?? ''),
  ensure: () => ensureQuarters(house, run, new Date(task.from ?? ''), new Date(task.to ?? '')),
  close: () => closeQuarter(house, run, task.quarter ?? ''),
  reopen: () => reopenQuarter(house, { ...run, reason: 'late invoice' }, task.quarter ?? ''),
  detach: () => detachQuarter(house, run, task.quarter ?? ''),
  reconcile: () => reconcile(house, run),
  freeze: () => freezeQuarters(house, run),
  fix: () => reconcile(house, run, { fix: true }),
};

const outcome = await verbs[task.verb]().catch((error: { code?: string; detail?: string }) => ({
  failed: error.code ?? String(error),
  detail: error.detail,
}));
process.stdout.write(
  `${JSON.stringify(outcome, (_key, value) => (typeof value === 'bigint' ? `${value}` : value))}\n`,
);
await house.database.close();
