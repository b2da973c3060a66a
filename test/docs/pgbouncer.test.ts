import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packageRoot } from '../../src/db/root.ts';
import { createDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { hasPgBouncer } from '../support/pgbouncer.ts';

// The configuration of docs/guide-ops.md as it stands there: only where the server is, and who logs in, is this test's.

const run = promisify(execFile);
const page = readFileSync(join(packageRoot(), 'docs', 'guide-ops.md'), 'utf8');
const [, shown = ''] = /<!-- pgbouncer -->\n```ini\n([\s\S]*?)```/.exec(page) ?? [];

/** Puts one value in the place of another that the page has to show. */
function instead(text: string, from: string, to: string): string {
  expect(text).toContain(from);
  return text.replace(from, () => to);
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  // The error is a rejection of this promise.
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isOpen;
}

describe.skipIf(!(await hasPgBouncer()))('the configuration of PgBouncer in the guide', () => {
  it('serves a ledger: a load, and a close by the direct way', { timeout: 400_000 }, async () => {
    const database = await createDatabase({ migrated: false });
    const folder = mkdtempSync(join(tmpdir(), 'quartermaster-pooler-'));
    chmodSync(folder, 0o755);
    const port = await freePort();
    const server = new URL(database.url);
    const users = join(folder, 'userlist.txt');
    writeFileSync(users, `"${server.username}" "${decodeURIComponent(server.password)}"\n`);
    const place = `ledger = host=127.0.0.1 port=${server.port} dbname=${database.name}`;
    let text = instead(shown, 'ledger = host=127.0.0.1 port=5432 dbname=ledger', place);
    text = instead(text, 'listen_port = 6432', `listen_port = ${port}`);
    text = instead(text, '/etc/pgbouncer/userlist.txt', users);
    // What the package's own file says besides, and who it may not be.
    text += `unix_socket_dir =\n${process.getuid?.() === 0 ? 'user = nobody\n' : ''}`;
    writeFileSync(join(folder, 'pgbouncer.ini'), text);
    const pooler = spawn('pgbouncer', ['-q', join(folder, 'pgbouncer.ini')], { stdio: 'ignore' });
    const ended = once(pooler, 'exit');
    onTestFinished(async () => {
      pooler.kill('SIGKILL');
      await ended;
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    });
    while (pooler.exitCode === null && !(await listens(port))) await delay(25);

    const pooled = new URL(database.url);
    pooled.host = `127.0.0.1:${port}`;
    pooled.pathname = '/ledger';
    const env = {
      PATH: process.env.PATH,
      QM_DATABASE_URL: pooled.href,
      QM_DIRECT_DATABASE_URL: database.url,
      QM_STORE: `file://${folder}/store`,
    };
    const quartermaster = async (...words: string[]) =>
      (await run(process.execPath, [join(packageRoot(), 'src/main/cli.ts'), ...words], { env })).stdout;
    await quartermaster('migrate', 'up');
    const file = join(packageRoot(), 'examples', 'payments.csv');
    const options = ['--ledger', 'main', '--create-ledger', '--create-accounts', '--allow-negative', 'BANK'];
    expect(await quartermaster('load', file, ...options)).toContain('5 transactions');
    await quartermaster('run', 'refresh-summaries');
    expect(await quartermaster('quarters', 'close', '2024q1')).toContain('close 2024q1 is done');
  });
});
