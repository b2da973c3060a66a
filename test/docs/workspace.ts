import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { packageRoot } from '../../src/db/root.ts';

/** What a checkout has not when it is new. */
const left = new Set(['.git', 'node_modules', 'var', 'dist', 'coverage']);

/** A checkout as a newcomer has it after `npm ci`, in a folder of its own. */
export function newCheckout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quartermaster-docs-'));
  // PostgreSQL refuses to be root, and whoever it is then has to get through.
  chmodSync(folder, 0o755);
  const checkout = join(folder, 'quartermaster');
  const root = packageRoot();
  cpSync(root, checkout, {
    recursive: true,
    filter: (from) => !left.has(basename(from)) || from.includes('/src/'),
  });
  mkdirSync(join(folder, 'tmp'));
  linkModules(join(root, 'node_modules'), join(checkout, 'node_modules'));
  // `npm start` installs when this is not there; no test may install.
  const lock = createHash('sha256');
  for (const name of ['package.json', 'package-lock.json']) lock.update(readFileSync(join(checkout, name)));
  writeFileSync(join(checkout, 'node_modules', '.quartermaster-lock'), lock.digest('hex'));
  return checkout;
}

/** One link a library, in a folder of its own: whatever is done to the folder, the libraries of this checkout stay. */
function linkModules(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (name !== '.quartermaster-lock') symlinkSync(join(from, name), join(to, name));
  }
}
