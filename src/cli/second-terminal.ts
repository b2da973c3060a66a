import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What another terminal needs to work on the database and the API of `dev` and `demo`. */
export interface SecondTerminal {
  readonly databaseUrl: string;
  readonly address: string;
  /** Undefined where the process has no key of its own. */
  readonly token: string | undefined;
}

/** Beside the database in `./var`, whose port is another one at each start. */
const FILE = 'env.sh';

/**
 * Writes them as variables of a shell, for `. var/env.sh`. Only who started the process may read the file, for a password and
 * a key are in it.
 */
export function writeEnvironment(home: string, { databaseUrl, address, token }: SecondTerminal): void {
  const file = join(home, FILE);
  const values = { QM_DATABASE_URL: databaseUrl, API: address, ...(token !== undefined && { KEY: token }) };
  const lines = Object.entries(values).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  // A mode is given to a new file only, so the one of a process that was killed goes first.
  rmSync(file, { force: true });
  writeFileSync(file, lines.join(''), { mode: 0o600 });
}

/** Takes the file away with the process, so that nobody is led to a database that is gone. */
export function removeEnvironment(home: string): void {
  rmSync(join(home, FILE), { force: true });
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
