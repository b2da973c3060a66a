import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { runPage } from './page.ts';
import { Shell } from './shell.ts';
import { newCheckout } from './workspace.ts';

// What the README tells people to type, in a new checkout and on an empty database.

let checkout: string;
let database: TestDatabase;
let shell: Shell;
let port: number;

beforeAll(async () => {
  checkout = newCheckout();
  database = await createDatabase({ migrated: false });
  port = await freePort();
  const { PATH, HOME } = process.env;
  const TMPDIR = join(dirname(checkout), 'tmp');
  const QM_WORKER_PORT = '0';
  shell = new Shell(checkout, { PATH, HOME, LANG: 'C.UTF-8', TMPDIR, QM_PORT: String(port), QM_WORKER_PORT });
});

afterAll(async () => {
  await shell?.end();
  await database?.drop();
  if (checkout !== undefined) rmSync(dirname(checkout), { recursive: true, force: true });
});

it('the README says what happens', { timeout: 1_200_000 }, async () => {
  const standIns = {
    // A newcomer's is larger, and the same in all else.
    'npm start': 'npm start -- --share 2',
    'postgres://ledger:secret@localhost:5432/ledger': database.url,
    '127.0.0.1:7070': `127.0.0.1:${port}`,
  };
  expect((await runPage('README.md', { shell, serving: shell, checkout, standIns })).join('\n\n')).toBe('');
});
