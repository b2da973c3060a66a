import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';

const executable = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

/** False where there is no Chromium: then what needs one is left out and counted as skipped. */
export const hasBrowser = executable !== undefined;

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The widths at which the page is looked at: a telephone, a desk, and a wall. */
export const widths = { phone: 360, desk: 1280, wall: 2560 } as const;

const shots = join(import.meta.dirname, '..', '..', 'var', 'screenshots');
const axe = hasBrowser
  ? readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  : '';

/** Registers the hooks that start a real Chromium and stop it. Each page has cookies of its own. */
export function useBrowser(): { open(options?: BrowserContextOptions): Promise<Page> } {
  let browser: Browser;
  const folder = mkdtempSync(join(tmpdir(), 'quartermaster-chromium-'));
  const contexts: BrowserContext[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: executable ?? '',
      args: flags,
      env: { ...process.env, HOME: folder },
    });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    async open(options = {}) {
      const context = await browser.newContext({ viewport: { width: widths.desk, height: 900 }, ...options });
      contexts.push(context);
      const page = await context.newPage();
      // What the page throws or a policy forbids is a fault of the page, wherever it happens.
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error' && !/status of (4\d\d|503)/.test(message.text()))
          faults.push(message.text());
      });
      return page;
    },
  };
}

/** What the pages of this file have complained of. */
export const faults: string[] = [];

/** Signs in through the form, at whatever address of the page `url` is, and gives the page when it shows its view. */
export async function signIn(page: Page, url: string, key: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('Key', { exact: true }).fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** A picture of the whole page for people to look at, in `var/screenshots`. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/** Fails with what axe finds serious or critical. */
export async function expectAccessible(page: Page): Promise<void> {
  // By the debugger, which no policy of the page binds.
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const run = (globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }).axe;
    const { violations } = await run.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  expect(found).toEqual([]);
}

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

/** Fails when the page is wider than its window: on a telephone nobody scrolls sideways. */
export async function expectFits(page: Page): Promise<void> {
  const { wide, window } = await page.evaluate(() => {
    const root = (
      globalThis as unknown as { document: { documentElement: { scrollWidth: number; clientWidth: number } } }
    ).document.documentElement;
    return { wide: root.scrollWidth, window: root.clientWidth };
  });
  expect(wide).toBeLessThanOrEqual(window);
}
