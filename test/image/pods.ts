import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { calendar } from '../../src/core/quarter.ts';
import { type Answer, call } from '../main/api-process.ts';
import { freePort } from '../support/free-port.ts';
import { type Program, run, serve } from './program.ts';

/**
 * Puts a program through what pods do: it migrates an empty database, serves, posts, loads, has a worker close and archive
 * a quarter, reads the archive, is looked at by the doctor, and ends with 0 at SIGTERM.
 *
 * @param options `url` of an empty database, and `store`, a directory both the program and this process reach
 */
export async function provePods(
  program: Program,
  { url, store }: { url: string; store: string },
): Promise<void> {
  const [apiPort, workerPort] = [await freePort(), await freePort()];
  const environment = {
    QM_DATABASE_URL: url,
    QM_STORE: pathToFileURL(store).href,
    QM_HOST: '127.0.0.1',
    QM_PORT: String(apiPort),
    QM_WORKER_PORT: String(workerPort),
    QM_LOG_LEVEL: 'warn',
  };
  const done = async (...args: string[]) => {
    const end = await run(program, environment, ...args);
    expect(end, args.join(' ')).toMatchObject({ code: 0 });
    return end.out;
  };

  await done('migrate', 'up');
  const token = (
    await done('keys', 'create', '--name', 'ada', '--role', 'admin', '--role', 'finance')
  ).trim();

  const at = `http://127.0.0.1:${apiPort}`;
  const api = await serve(program, environment, 'api', `${at}/readyz`);
  const worker = await serve(program, environment, 'worker', `http://127.0.0.1:${workerPort}/metrics`);
  const ask = (method: string, path: string, body?: unknown): Promise<Answer> =>
    call(at, token, method, path, body);

  await provePage(at);

  // A quarter that is over, with rows of every table an archive has.
  const zone = calendar('UTC');
  const { name: quarter, start } = zone.next(zone.quarterOf(systemClock.now()), -1);
  const rows = Array.from({ length: 50 }, (_, row) => ({
    created_at: new Date(start.getTime() + row * 60_000).toISOString(),
    debit_account: 'treasury:BANK',
    credit_account: `user-${row % 7}:WALLET`,
    amount: String(100 + row),
    currency: 'EUR',
  }));
  expect(await ask('POST', '/v1/ledgers', { name: 'main' })).toMatchObject({ status: 201 });
  const loaded = await fetch(
    `${at}/v1/ledgers/main/loads?id=past&amounts=minor&create_accounts=true&allow_negative=BANK`,
    {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
      body: rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    },
  );
  expect([loaded.status, await loaded.json()]).toMatchObject([200, { booked: 50 }]);

  const posted = await ask('POST', '/v1/ledgers/main/transactions', {
    postings: [{ from: 'treasury:BANK', to: 'user-1:WALLET', amount: '1250', currency: 'EUR' }],
  });
  expect(posted).toMatchObject({ status: 201, body: { status: 'SUCCESS' } });

  // The schedule may be quicker than this person, and then there is nothing left to ask for.
  for (const [verb, state] of [
    ['close', 'closed'],
    ['archive', 'archived'],
  ] as const) {
    const asked = await ask('POST', `/v1/quarters/${quarter}/${verb}`, { reason: 'it is over' });
    expect([200, 202], JSON.stringify(asked.body)).toContain(asked.status);
    await expect
      .poll(async () => (await ask('GET', `/v1/quarters/${quarter}`)).body.state, { timeout: 60_000 })
      .toBe(state);
  }
  const sum = rows.reduce((total, row) => total + BigInt(row.amount), 0n);
  const counted = await done(
    'query',
    'SELECT count(*) AS rows, CAST(sum(amount) AS VARCHAR) AS total FROM transactions',
    '--quarters',
    quarter,
    '--json',
  );
  expect(counted).toContain(String(sum));

  await done('run', 'analyze-partitions');
  const looked = await run(program, environment, 'doctor', '--json');
  const findings = JSON.parse(looked.out) as { name: string; outcome: string; found?: string }[];
  // The server of the tests gives up durability for speed, and the doctor says so; nothing else may be wrong.
  const wrong = findings.filter(({ name, outcome }) => outcome === 'failed' && name !== 'durability');
  expect(wrong).toEqual([]);
  expect(findings.length).toBeGreaterThan(5);

  expect(await worker.stop()).toMatchObject({ code: 0 });
  expect(await api.stop()).toMatchObject({ code: 0 });
}

/** The page is there, and each module that its first one leads to, in any number of steps, libraries among them. */
async function provePage(at: string): Promise<void> {
  const shell = await fetch(`${at}/console`);
  expect(shell.status).toBe(200);
  const open = [...(await shell.text()).matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)].map(
    (one) => one[1] ?? '',
  );
  const seen = new Set(open);
  for (const path of seen) {
    const answer = await fetch(new URL(path, at));
    expect(answer.status, path).toBe(200);
    const text = await answer.text();
    if (!/javascript/.test(answer.headers.get('content-type') ?? '')) continue;
    expect(text, path).not.toMatch(/sourceMappingURL/);
    // A text of the page may be the word too; then a quotation mark stands before it.
    for (const [, next = ''] of text.matchAll(/(?:(?<!["'\w])from\s*|\bimport\s*\(?\s*)["']([^"']+)["']/g)) {
      // A name without a path is what no browser can find.
      expect(next, path).toMatch(/^\.{1,2}\//);
      seen.add(new URL(next, new URL(path, at)).pathname);
    }
  }
  expect([...seen].some((path) => /\/health-\w+\.js$/.test(path))).toBe(true);
  // Where a check sends somebody.
  const runbook = await fetch(`${at}/console/runbooks/horizon`);
  expect(runbook.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await runbook.text()).toMatch(/^# /);
}
