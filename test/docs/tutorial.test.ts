import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { calendar } from '../../src/core/quarter.ts';
import { DAY } from '../../src/core/timestamp.ts';
import { freePort } from '../support/free-port.ts';
import { runPage } from './page.ts';
import { Shell } from './shell.ts';
import { newCheckout } from './workspace.ts';

// The tutorial as a newcomer follows it, in a new checkout, on the demo's own PostgreSQL. QM_TEST_WRITE_DOCS=1 writes down what it saw.

let checkout: string;
let terminals: Shell[] = [];

beforeAll(async () => {
  checkout = newCheckout();
  const { PATH, HOME } = process.env;
  const environment = {
    PATH,
    HOME,
    LANG: 'C.UTF-8',
    TMPDIR: join(dirname(checkout), 'tmp'),
    QM_PORT: String(await freePort()),
    QM_WORKER_PORT: '0',
  };
  terminals = [new Shell(checkout, environment), new Shell(checkout, environment)];
});

afterAll(async () => {
  for (const terminal of terminals) await terminal.end();
  if (checkout !== undefined) rmSync(dirname(checkout), { recursive: true, force: true });
});

// The demo leaves quarters open until 92 days after their end. On the first days after a quarter of fewer days the one before it is
// open too, and the page would have a line more: two days in April, one in July.
const now = new Date();
const utc = calendar('UTC');
const before = utc.next(utc.quarterOf(now), -2);
const isLoneOpen = now.getTime() - before.end.getTime() >= 92 * DAY;

it.skipIf(!isLoneOpen)('the tutorial says what happens', { timeout: 1_200_000 }, async () => {
  const [serving, shell] = terminals as [Shell, Shell];
  expect((await runPage('docs/tutorial.md', { shell, serving, checkout, standIns: {} })).join('\n\n')).toBe(
    '',
  );
});
