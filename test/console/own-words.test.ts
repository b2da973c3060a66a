import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectAccessible,
  expectFits,
  faults,
  hasBrowser,
  shoot,
  signIn,
  useBrowser,
  widths,
} from './browser.ts';
import { useConsoleHouse } from './house.ts';

/** Turns what follows it round, after it has tried to end whatever holds it. */
const TURN = '\u2069\u202e';
/** As much as one posting moves, but for a cent. */
const LARGE = '9999999999999999';
const LONG = 'x'.repeat(120);
const WORD = 'REFERENCE'.repeat(7).slice(0, 60);

describe.skipIf(!hasBrowser)('what somebody wrote', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();
  let page: Page;
  let writer: string;
  let finance: string;
  let large: string;

  async function post(path: string, body: object): Promise<{ id: string }> {
    const answer = await fetch(`${house.url}/v1/ledgers/northwind/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: {
        authorization: `Bearer ${writer}`,
        'content-type': 'application/json',
        'idempotency-key': crypto.randomUUID(),
      },
    });
    const told = (await answer.json()) as { id: string };
    expect(answer.ok, JSON.stringify(told)).toBe(true);
    return told;
  }

  beforeAll(async () => {
    writer = await house.key('wilma', ['writer']);
    finance = await house.key('fiona', ['finance']);
    await post('accounts', { account: 'turned:WALLET', currency: 'EUR', name: `Ada${TURN}live` });
    await post('accounts', { account: 'long:WALLET', currency: 'EUR', name: LONG });
    await post('accounts', { account: `${'o'.repeat(110)}:WALLET`, currency: 'EUR', name: '' });
    const posting = { from: 'treasury:BANK', to: 'long:WALLET', amount: LARGE, currency: 'EUR' };
    const description = `Rent${TURN}txet`;
    const written = { postings: [posting], reference_code: WORD, user_id: WORD.toLowerCase(), description };
    for (let times = 0; times < 3; times++) ({ id: large } = await post('transactions', written));
    page = await browser.open();
    await signIn(page, `${house.url}/console/ledger`, finance);
  });

  const open = (path: string) => page.goto(`${house.url}/console/ledger/northwind/${path}`);

  /** The words of the page stand from left to right. */
  async function expectForward(words: Locator): Promise<void> {
    const [first, last] = await words.evaluate((element) => {
      const { document } = globalThis as unknown as { document: Tree };
      const texts = document.createTreeWalker(element, 4);
      let text = texts.nextNode();
      for (let next = text; next !== null; next = texts.nextNode()) {
        if ((next.textContent ?? '').trim().length > (text?.textContent ?? '').trim().length) text = next;
      }
      const said = text?.textContent ?? '';
      const at = (index: number) => {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + 1);
        return range.getBoundingClientRect().left;
      };
      const begin = said.search(/\S/);
      return [at(begin), at(begin + 2)];
    });
    expect(first).toBeLessThan(last ?? 0);
  }

  it('turns no word of the page round, whatever signs of direction it holds', async () => {
    await open('accounts/turned:WALLET');
    await expectForward(page.getByText('It takes part in transactions.'));
    expect(await page.locator('strong bdi', { hasText: 'Ada' }).count()).toBeGreaterThan(0);
    await shoot(page, 'own-words');

    // In the middle of a sentence, which goes on after it.
    const held = await fetch(`${house.url}/v1/quarters/2026q2/hold`, {
      method: 'POST',
      body: JSON.stringify({ reason: `Audit${TURN}tidua` }),
      headers: { authorization: `Bearer ${finance}`, 'content-type': 'application/json' },
    });
    expect(held.ok, await held.text()).toBe(true);
    await page.goto(`${house.url}/console/quarters/2026q2`);
    const notice = page.locator('.notice.held');
    await notice.waitFor();
    await expectForward(notice);
    await shoot(page, 'own-words-held');
  });

  it.each(Object.entries(widths))(
    'is never wider than the page, however long it is: %s',
    async (name, width) => {
      await page.setViewportSize({ width, height: 900 });
      for (const [what, path] of [
        ['account', 'accounts/long:WALLET'],
        ['address', `accounts/${'o'.repeat(110)}:WALLET`],
        ['transaction', `transactions/${large}`],
        ['list', 'transactions'],
        ['owner', 'accounts?entity_id=long'],
      ] as const) {
        await open(path);
        await page.locator('main h1').waitFor();
        await page.locator('main .card').nth(1).or(page.locator('main table')).first().waitFor();
        await page.waitForLoadState('networkidle');
        await expectFits(page);
        await expectAccessible(page);
        await shoot(page, `own-long-${what}-${name}`);
      }
      expect(faults).toEqual([]);
    },
  );

  it('leaves the amount beside it in sight, and is read in words rather than letters', async () => {
    await page.setViewportSize({ width: widths.desk, height: 900 });
    await open(`transactions?reference_prefix=${WORD}`);
    const box = page.getByRole('region', { name: 'Transactions found' });
    await box.getByText('99,999,999,999,999.99').first().waitFor();
    const { shown, all } = await box.evaluate((element) => {
      const { clientWidth, scrollWidth } = element as unknown as { clientWidth: number; scrollWidth: number };
      return { shown: clientWidth, all: scrollWidth };
    });
    expect(all).toBeLessThanOrEqual(shown);

    await page.setViewportSize({ width: widths.phone, height: 900 });
    await open(`transactions/${large}`);
    const account = page
      .getByRole('region', { name: 'Entries' })
      .getByRole('link', { name: 'treasury:BANK' });
    expect((await account.boundingBox())?.height).toBeLessThan(50);
  });
});

interface Leaf {
  readonly textContent: string | null;
}

interface Tree {
  createTreeWalker(root: unknown, show: number): { nextNode(): Leaf | null };
  createRange(): {
    setStart(node: Leaf | null, index: number): void;
    setEnd(node: Leaf | null, index: number): void;
    getBoundingClientRect(): { readonly left: number };
  };
}
