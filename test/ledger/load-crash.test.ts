import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import type { LoadReport } from '../../src/ledger/load.ts';
import { openCuttingProxy } from '../support/cutting-proxy.ts';
import { migrateUp } from '../support/migrate.ts';
import { startServer } from '../support/server.ts';
import { type Book, brokenRules, openBook } from './fixture.ts';
import type { ChildTask } from './load-child.ts';
import { HEADER, loadRow, openLoads } from './load-fixture.ts';

const ROWS = 12_000;
const CHILD = fileURLToPath(new URL('./load-child.ts', import.meta.url));

let book: Book;
beforeAll(async () => {
  book = await openBook();
  await files.write('rows.csv', text());
});
afterAll(() => book.close());
const files = await openLoads(() => book);

const isBad = (index: number) => index % 97 === 13;
const isRefused = (index: number) => index % 61 === 7;

/** Rows over half a year between a few accounts, some of them bad and some that the ledger refuses. */
function text(): string {
  const lines = Array.from({ length: ROWS }, (_, index) => {
    const at = new Date(Date.UTC(2025, 0, 1) + index * 1_300_000).toISOString();
    const from = `k${index % 7}:CASH`;
    const to = isRefused(index) ? from : `k${(index + 1 + (index % 5)) % 7}:CASH`;
    return `${at},${from},${to},${isBad(index) ? 'much' : `${index}.01`},EUR,user-${index % 50},,row-${index},,`;
  });
  return `${[HEADER, ...lines].join('\n')}\n`;
}

const accepted = Array.from({ length: ROWS }, (_, index) => index).filter(
  // Equal accounts come about by the arithmetic too.
  (index) => !isBad(index) && !isRefused(index) && index % 7 !== (index + 1 + (index % 5)) % 7,
);

async function expectExact(ledger: string, rejectFile: string, id: string): Promise<void> {
  const { rows } = await sql<{ n: bigint; codes: bigint; total: string }>`
    SELECT count(*) AS n, count(DISTINCT reference_code) AS codes, sum(amount)::text AS total
    FROM ledger.transactions WHERE ledger_id = (SELECT id FROM ledger.ledgers WHERE name = ${ledger})`.execute(
    book.db,
  );
  const total = accepted.reduce((sum, index) => sum + BigInt(index * 100 + 1), 0n);
  expect(rows[0]).toEqual({
    n: BigInt(accepted.length),
    codes: BigInt(accepted.length),
    total: String(total),
  });
  expect(await loadRow(book, id)).toMatchObject({
    state: 'done',
    records: BigInt(ROWS),
    booked: BigInt(accepted.length),
    rejected: BigInt(ROWS - accepted.length),
  });
  expect(await readFile(rejectFile, 'utf8')).toBe(await expectedRejects());
  expect(await brokenRules(book.db)).toEqual([]);
}

let untouched: string | undefined;
/** The reject file of a load that nobody disturbs. */
async function expectedRejects(): Promise<string> {
  if (untouched === undefined) {
    const rejectFile = files.path('undisturbed.csv');
    const quiet = { ledger: 'undisturbed', createLedger: true, id: 'undisturbed', rejectFile };
    expect(await files.loadFile('rows.csv', quiet)).toMatchObject({ booked: accepted.length });
    untouched = await readFile(rejectFile, 'utf8');
    expect(untouched.split('\n')).toHaveLength(ROWS - accepted.length + 2);
  }
  return untouched;
}

function startChild(options: Partial<ChildTask['options']>, url = book.url): ChildProcess {
  const task: ChildTask = {
    url,
    options: {
      ledger: 'main',
      createLedger: true,
      source: { path: files.path('rows.csv') },
      amounts: 'decimal',
      createAccounts: { allowNegative: '*' },
      batch: 150,
      ...options,
    },
  };
  return spawn(process.execPath, [CHILD, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Follows a child until it ends, calling `onLine` for each of its transactions; gives its last word. */
async function follow(
  child: ChildProcess,
  onLine: (count: number) => void,
): Promise<LoadReport | { code: string } | undefined> {
  let count = 0;
  let last: string | undefined;
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    if (line.startsWith('at ')) onLine(++count);
    else last = line;
  }
  await ended;
  return last === undefined ? undefined : (JSON.parse(last) as LoadReport);
}

it('a load that is killed again and again ends exact, its reject file too', async () => {
  const rejectFile = files.path('killed.csv');
  const options = { ledger: 'killed', id: 'killed', rejectFile };
  let kills = 0;
  for (;;) {
    const child = startChild(options);
    // Somewhere within the next transactions: at once, or a random moment later.
    const after = 1 + randomInt(14);
    const report = await follow(child, (count) => {
      if (count !== after) return;
      if (randomInt(3) === 0) child.kill('SIGKILL');
      else setTimeout(() => child.kill('SIGKILL'), randomInt(40));
    });
    if (report) {
      // The one before it may have been killed after its last transaction: then nothing was left to load.
      expect(report).toMatchObject({ records: ROWS });
      break;
    }
    kills++;
    expect(kills).toBeLessThan(200);
  }
  expect(kills).toBeGreaterThan(3);
  await expectExact('killed', rejectFile, 'killed');
  const again = await follow(startChild(options), () => {});
  expect(again).toMatchObject({ alreadyLoaded: true, booked: accepted.length });
});

it('two processes with one load double nothing: at least one goes on, and the other says so', async () => {
  const rejectFile = files.path('paired.csv');
  const options = { ledger: 'paired', id: 'paired', rejectFile };
  const words: (LoadReport | { code: string } | undefined)[] = [];
  // Both may lose: the one to the other, and then that one to a row it did not expect.
  for (let round = 0; round < 20 && !words.some((word) => word && 'records' in word); round++) {
    words.push(
      ...(await Promise.all(
        [startChild(options), startChild(options)].map((child) => follow(child, () => {})),
      )),
    );
  }
  for (const word of words) {
    if (word && 'code' in word) expect(word.code).toBe('load_running');
    else expect(word).toMatchObject({ records: ROWS, booked: accepted.length });
  }
  await expectExact('paired', rejectFile, 'paired');
});

it('a connection that is cut as it commits neither stops nor doubles a load', async () => {
  const proxy = await openCuttingProxy(book.url);
  const database = openDatabase({ databaseUrl: proxy.url, poolMax: 3 });
  const rejectFile = files.path('cut.csv');
  try {
    let steps = 0;
    const report = await files.loadFile('rows.csv', {
      ledger: 'cut',
      createLedger: true,
      id: 'cut',
      rejectFile,
      batch: 500,
      house: { database: { ...database, direct: book.database.direct } },
      onProgress: () => proxy.cutNextCommit(++steps % 2 === 0 ? 'before' : 'after'),
    });
    expect(report).toMatchObject({ records: ROWS, booked: accepted.length });
    expect(proxy.cuts).toBeGreaterThan(20);
  } finally {
    await database.close();
    await proxy.close();
  }
  await expectExact('cut', rejectFile, 'cut');
});

it('a PostgreSQL that is killed and comes back does not stop a load', async () => {
  const server = await startServer();
  const database = openDatabase({ databaseUrl: server.url, poolMax: 3 });
  try {
    await migrateUp({ url: server.url, zone: 'UTC' });
    let restarted: Promise<void> | undefined;
    const { ensureQuarters } = await import('./quarters.ts');
    const report = await files.loadFile('rows.csv', {
      createLedger: true,
      rejectFile: files.path('restarted.csv'),
      batch: 300,
      house: { database, ensureQuarters: (from, to) => ensureQuarters(database, 'UTC', from, to) },
      onProgress: ({ records }) => {
        if (records > ROWS / 2) restarted ??= server.kill('SIGKILL').then(() => server.restart());
      },
    });
    await restarted;
    expect(report).toMatchObject({ records: ROWS, booked: accepted.length, resumedAt: 0 });
    const { rows } = await sql<{ n: bigint }>`SELECT count(*) AS n FROM ledger.transactions`.execute(
      database.write,
    );
    expect(rows[0]?.n).toBe(BigInt(accepted.length));
    expect(await brokenRules(database.write)).toEqual([]);
  } finally {
    await database.close();
    await server.stop();
  }
  expect(await readFile(files.path('restarted.csv'), 'utf8')).toBe(await expectedRejects());
});
