import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/db/root.ts';

interface Report {
  quarters: { name: string; state: string; transactions: string; entries: string; digest: string | null }[];
  ledgers: {
    name: string;
    currencies: { currency: string; transactions: string; debits: string; imbalance: string }[];
  }[];
  seconds: number;
}

let home: string;
const running = new Set<ChildProcessWithoutNullStreams>();

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'quartermaster-demo-'));
});

afterAll(async () => {
  // One is left only when a test failed; it stops its own PostgreSQL.
  for (const child of running) {
    child.kill('SIGINT');
    await once(child, 'exit');
  }
  await rm(home, { recursive: true, force: true });
});

/** The demo as a person runs it, in a directory of its own, with a fiftieth of the history. */
function demo(...args: string[]): ChildProcessWithoutNullStreams {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QM_')));
  const command = [join(packageRoot(), 'src', 'main', 'cli.ts'), 'demo', '--share', '2', ...args];
  const child = spawn(process.execPath, command, { cwd: home, env: { ...env, QM_PORT: '0' } });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

async function finished(child: ChildProcessWithoutNullStreams) {
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { out, err, code: code as number };
}

describe('quartermaster demo', () => {
  let first: Report;

  it('fills a ledger, runs every job, and reports books that balance', async () => {
    const { out, err, code } = await finished(demo('--exit', '--json'));
    expect(code, err).toBe(0);
    first = JSON.parse(out) as Report;
    const states = first.quarters.map((quarter) => quarter.state);
    expect(states.filter((state) => state === 'detached').length).toBeGreaterThanOrEqual(2);
    expect(states.slice(-4)).toEqual(['open', 'open', 'open', 'open']);
    expect(
      first.quarters.filter((quarter) => BigInt(quarter.transactions) > 0n).length,
    ).toBeGreaterThanOrEqual(10);
    for (const quarter of first.quarters) {
      expect(quarter.digest !== null, quarter.name).toBe(
        ['closed', 'archived', 'detached'].includes(quarter.state),
      );
    }
    const currencies = first.ledgers.flatMap((ledger) => ledger.currencies);
    expect(currencies.map(({ currency }) => currency).sort()).toEqual(['EUR', 'GBP', 'JPY', 'KWD', 'USD']);
    expect(currencies.every(({ imbalance }) => imbalance === '0')).toBe(true);
    const sum = (counts: string[]) => counts.reduce((total, count) => total + BigInt(count), 0n);
    expect(sum(currencies.map(({ transactions }) => transactions))).toBe(6600n);
    expect(sum(first.quarters.map(({ transactions }) => transactions))).toBe(6600n);
    const archives = await readdir(join(home, 'var', 'archive', 'ledger'));
    expect(archives).toEqual(
      first.quarters.filter(({ state }) => state === 'detached').map(({ name }) => name),
    );
  });

  it('finds its data on a second start, serves it, and stops cleanly on Ctrl-C', async () => {
    const child = demo();
    const done = finished(child);
    const { address, key, said } = await new Promise<{ address: string; key: string; said: string }>(
      (resolve, reject) => {
        let said = '';
        child.stderr.on('data', (chunk: Buffer) => {
          said += chunk;
          const [, url, token] = /listens on (http:\/\/[\d.]+:\d+)[\s\S]* KEY=(\S+)\n/.exec(said) ?? [];
          if (url !== undefined && token !== undefined) resolve({ address: url, key: token, said });
        });
        void done.then(({ err }) => reject(new Error(`it ended: ${err}`)));
      },
    );
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
    // The page is the first thing that is named, and the key below it opens it.
    expect(/http\S+/.exec(said)?.[0]).toBe(`${address}/console`);
    expect((await fetch(`${address}/console`)).status).toBe(200);
    const signIn = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key }),
    };
    expect((await fetch(`${address}/v1/session`, signIn)).status).toBe(200);
    const post = (headers: Record<string, string>) =>
      fetch(`${address}/v1/ledgers/northwind/transactions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'second-start', ...headers },
        body: JSON.stringify({
          postings: [{ from: 'treasury:BANK', to: 'user-1:WALLET', amount: '1250', currency: 'EUR' }],
        }),
      });
    expect((await post({})).status).toBe(401);
    const posted = await post({ authorization: `Bearer ${key}` });
    expect(posted.status, await posted.clone().text()).toBe(201);
    child.kill('SIGINT');
    const { code, err } = await done;
    expect(code, err).toBe(0);
  });

  it('did no work twice: only what was posted meanwhile is new', async () => {
    const { out, err, code } = await finished(demo('--exit', '--json'));
    expect(code, err).toBe(0);
    const third = JSON.parse(out) as Report;
    const eur = (report: Report) => report.ledgers[0]?.currencies.find(({ currency }) => currency === 'EUR');
    expect(BigInt(eur(third)?.debits ?? 0)).toBe(BigInt(eur(first)?.debits ?? 0) + 1250n);
    const digests = (report: Report) => report.quarters.map(({ name, digest }) => [name, digest]);
    expect(digests(third)).toEqual(digests(first));
  });
});
