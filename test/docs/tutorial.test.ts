import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
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

it('the tutorial says what happens', { timeout: 1_200_000 }, async () => {
  const [serving, shell] = terminals as [Shell, Shell];
  expect((await runPage('docs/tutorial.md', { shell, serving, checkout, standIns: {} })).join('\n\n')).toBe(
    '',
  );
});
