import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { nextName } from '../src/core/quarter.ts';
import { openDatabase } from '../src/db/database.ts';
import { createKey } from '../src/ledger/keys.ts';
import { readQuarters } from '../src/quarters/registry.ts';
import { createQuarters } from '../test/quarters/create-as.ts';
import { type Bench, runBench } from './bench.ts';
import { openServer } from './database.ts';
import { readOptions } from './options.ts';
import { startServer } from './server-process.ts';

/**
 * The first view of the page in a real browser with an empty cache, of somebody who is signed in: the bytes that come over the
 * wire, and the milliseconds from when it is gone to until the timeline of `--rows` quarters is drawn. Beside it one HTML document
 * of as many bytes, which asks for nothing else: what the browser and the way to it take in any case.
 *
 * Both goals are the most that they may come to, so milliseconds are counted here, and not compared.
 */
const options = readOptions(process.argv.slice(2), { rows: [60], rounds: 15, seconds: 0 });

const MOST_BYTES = 150_000;
const MOST_MS = 300;

const executable = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

await runBench(options, async (bench) => {
  if (executable === undefined) throw new Error('There is no Chromium: install Debian’s package chromium.');
  const wanted = options.rows.at(-1) as number;
  const { url, oldest, key } = await startHouse(bench, wanted);
  const browser = await chromium.launch({
    executablePath: executable,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  bench.onEnd(() => browser.close());
  const state = await signIn(browser, url, key);

  const view = { url: `${url}/console`, drawn: `main a[href$="/quarters/${oldest}"]` };
  const bytes = await bytesOf(browser, state, view);
  const plain = await startPlainPage(bench, bytes);
  const ours: number[] = [];
  const other: number[] = [];
  // The first round warms the server and the browser.
  for (let round = 0; round <= options.rounds; round++) {
    const [a, b] = [await millisecondsOf(browser, state, view), await millisecondsOf(browser, state, plain)];
    if (round === 0) continue;
    ours.push(a);
    other.push(b);
  }
  const rows = wanted;
  bench.print(
    { figure: 'console.first-view.bytes/plain', unit: 'count', rows, goal: MOST_BYTES },
    [bytes],
    [bytes],
  );
  bench.print({ figure: 'console.first-view.ms/plain', unit: 'count', rows, goal: MOST_MS }, ours, other);
});

interface View {
  readonly url: string;
  /** What is there when it is drawn. */
  readonly drawn: string;
}

type State = Awaited<ReturnType<BrowserContext['storageState']>>;

/** The demo with as many quarters as are asked for; those that it has not are older ones without a row. */
async function startHouse(
  bench: Bench,
  wanted: number,
): Promise<{ url: string; oldest: string; key: string }> {
  const server = await openServer(bench);
  const databaseUrl = await server.createDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'quartermaster-bench-'));
  bench.onEnd(() => rm(folder, { recursive: true, force: true }));
  const environment = {
    QM_DATABASE_URL: databaseUrl,
    QM_STORE: `file://${folder}/store`,
    QM_CACHE_DIR: join(folder, 'cache'),
    QM_WORKER_PORT: '0',
  };
  const { origin } = await startServer(
    bench,
    'The demo',
    ['src/main/cli.ts', 'demo', '--share', '2'],
    environment,
  );
  const database = openDatabase({ databaseUrl, poolMax: 1, applicationName: 'bench' });
  bench.onEnd(() => database.close());
  const there = await readQuarters(database.write);
  const first = there[0]?.quarter ?? '';
  const oldest = there.length < wanted ? nextName(first, there.length - wanted) : first;
  if (oldest !== first) await createQuarters(databaseUrl, oldest, nextName(first, -1));
  const { token } = await createKey(database.write, { name: 'bench', roles: ['admin'], ledgers: null });
  return { url: origin, oldest, key: token };
}

async function signIn(browser: Browser, url: string, key: string): Promise<State> {
  const context = await browser.newContext();
  const answer = await context.request.post(`${url}/v1/session`, { data: { key } });
  if (!answer.ok()) throw new Error(`Nobody could sign in: ${await answer.text()}`);
  const state = await context.storageState();
  await context.close();
  return state;
}

/** A document of so many bytes, from a server that does nothing else. */
async function startPlainPage(bench: Bench, bytes: number): Promise<View> {
  const line = '<p>Money moves, and every quarter is closed.</p>\n';
  const filler = line.repeat(Math.ceil(bytes / line.length)).slice(0, Math.max(0, bytes - 60));
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>Plain</title>${filler}<p id="end">`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bench.onEnd(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, drawn: '#end' };
}

/** In a page of its own, whose cache is empty. */
async function inNewPage<T>(browser: Browser, state: State, action: (page: Page) => Promise<T>): Promise<T> {
  const context = await browser.newContext({ storageState: state, viewport: { width: 1280, height: 900 } });
  try {
    return await action(await context.newPage());
  } finally {
    await context.close();
  }
}

async function bytesOf(browser: Browser, state: State, { url, drawn }: View): Promise<number> {
  return inNewPage(browser, state, async (page) => {
    const debug = await page.context().newCDPSession(page);
    await debug.send('Network.enable');
    let bytes = 0;
    debug.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    await page.goto(url);
    await page.locator(drawn).first().waitFor({ state: 'attached' });
    await page.waitForLoadState('networkidle');
    return bytes;
  });
}

/** By the clock of the page itself, from when it is gone to; what the debugger takes is not in it. */
async function millisecondsOf(browser: Browser, state: State, { url, drawn }: View): Promise<number> {
  return inNewPage(browser, state, async (page) => {
    await page.addInitScript(
      `new MutationObserver((_, observer) => {
         if (document.querySelector(${JSON.stringify(drawn)}) === null) return;
         observer.disconnect();
         requestAnimationFrame(() => { window.drawnAt = performance.now(); });
       }).observe(document, { childList: true, subtree: true });`,
    );
    await page.goto(url);
    await page.locator(drawn).first().waitFor({ state: 'attached' });
    return page.evaluate(
      'new Promise((resolve) => { const look = () => window.drawnAt ? resolve(window.drawnAt) : setTimeout(look, 5); look(); })',
    );
  }) as Promise<number>;
}
