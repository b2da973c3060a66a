import { sql } from 'kysely';
import type { Page } from 'playwright-core';
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

const ZONE = 'America/New_York';

interface Row {
  readonly reference: string;
  readonly user: string;
  readonly status: string;
  readonly currency: string;
  readonly day: string;
}

describe.skipIf(!hasBrowser)('the search for transactions', () => {
  const browser = useBrowser();
  const house = useConsoleHouse({ QM_TIMEZONE: ZONE });
  let page: Page;
  /** All that is online of the ledger, newest first. */
  let rows: readonly Row[];

  beforeAll(async () => {
    const read = await sql<Row>`
      SELECT t.reference_code AS reference, t.user_id AS user, t.status, t.currency,
             to_char(t.created_at AT TIME ZONE ${ZONE}, 'YYYY-MM-DD') AS day
      FROM ledger.transactions AS t
      JOIN ledger.ledgers AS l ON l.id = t.ledger_id
      WHERE l.name = 'northwind'
      ORDER BY t.created_at DESC, t.id DESC`.execute(house.database.write);
    rows = read.rows;
    page = await browser.open();
    await signIn(page, `${house.url}/console/ledger`, await house.key('rita', ['reader']));
    await answered();
  });

  /** The results of what was asked for last are there. */
  async function answered(on = page): Promise<void> {
    await on.locator('section[aria-label="Results"][aria-busy="false"]').waitFor();
  }

  async function shown(on = page): Promise<string[]> {
    await answered(on);
    return (await on.locator('.stack tbody .what').allTextContents()).map((text) => text.trim());
  }

  async function open(query: string, on = page): Promise<void> {
    await on.goto(`${house.url}/console/ledger/northwind/transactions${query}`);
    await answered(on);
  }

  const firstPage = (of: readonly Row[], from = 0) =>
    of.slice(from, from + 50).map(({ reference }) => reference);

  it('begins with the newest of the first ledger, which is then in the address', async () => {
    expect(new URL(page.url()).pathname).toBe('/console/ledger/northwind/transactions');
    expect(await shown()).toEqual(firstPage(rows));
    await page.getByText(`Booked (${ZONE})`).waitFor();
    await expectAccessible(page);
    expect(faults).toEqual([]);
  });

  it('searches by what is filled in, and the address is the search', async () => {
    const { user } = rows.find((row) => row.user !== '' && row.status === 'FAILED') as Row;
    await open('');
    await page.getByLabel('User', { exact: true }).fill(user);
    await page.getByLabel('Status').selectOption('Failed');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.waitForURL(`**/transactions?user_id=${user}&status=FAILED`);
    const wanted = rows.filter((row) => row.user === user && row.status === 'FAILED');
    expect(await shown()).toEqual(firstPage(wanted));

    // Sent to a colleague it is the same search, and the form says so.
    const other = await browser.open();
    await signIn(other, page.url(), await house.key('colleague', ['reader']));
    expect(await shown(other)).toEqual(firstPage(wanted));
    expect(await other.getByLabel('User', { exact: true }).inputValue()).toBe(user);

    await page.goBack();
    await page.waitForURL('**/northwind/transactions');
    expect(await shown()).toEqual(firstPage(rows));
    expect(await page.getByLabel('User', { exact: true }).inputValue()).toBe('');
  });

  it('searches by reference, currency and status alone', async () => {
    for (const [query, keeps] of [
      ['reference_prefix=TOP-', ({ reference }: Row) => reference.startsWith('TOP-')],
      ['currency=GBP', ({ currency }: Row) => currency === 'GBP'],
      ['status=SUCCESS', ({ status }: Row) => status === 'SUCCESS'],
      ['status=FAILED', ({ status }: Row) => status === 'FAILED'],
    ] as const) {
      await open(`?${query}`);
      expect(await shown(), query).toEqual(firstPage(rows.filter(keeps)));
    }
  });

  it.each(['transactions', 'charts'])(
    'offers the currencies of the ledger before all others: %s',
    async (part) => {
      await page.goto(`${house.url}/console/ledger/northwind/${part}`);
      const field = page.getByLabel('Currency', { exact: true });
      await field.locator('optgroup').first().waitFor({ state: 'attached' });
      expect(await field.locator('option').first().textContent()).toBe('Every currency');
      const groups = await field.locator('optgroup').evaluateAll((found) =>
        found.map((group) => {
          const { label, children } = group as unknown as {
            label: string;
            children: { textContent: string }[];
          };
          return [label, [...children].map(({ textContent }) => textContent)] as const;
        }),
      );
      expect(groups[0]).toEqual([
        'Used in northwind',
        [...new Set(rows.map(({ currency }) => currency))].toSorted(),
      ]);
      expect(groups[1]?.[0]).toBe('All others');
      expect(groups[1]?.[1]).toContain('JPY');
      expect(groups[1]?.[1]).not.toContain('EUR');
      // One of the others that is chosen by the address stays chosen when the groups come.
      await page.goto(`${house.url}/console/ledger/northwind/${part}?currency=JPY`);
      await field.locator('optgroup').first().waitFor({ state: 'attached' });
      expect(await field.inputValue()).toBe('JPY');
    },
  );

  it('searches by account', async () => {
    const { user } = rows.find((row) => row.user !== '' && row.status === 'SUCCESS') as Row;
    await open(`?account=${user}:WALLET`);
    const wanted = rows.filter((row) => row.user === user && row.status === 'SUCCESS');
    expect(await shown()).toEqual(firstPage(wanted));
  });

  it("means whole days of the ledger's zone, the last one included", async () => {
    const day = (rows[60] as Row).day;
    const from = (rows[200] as Row).day;
    await open('');
    await page.getByLabel('From', { exact: true }).fill(from);
    await page.getByLabel('To the end of').fill(day);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.waitForURL(`**/transactions?from=${from}&to=${day}`);
    const wanted = rows.filter((row) => row.day >= from && row.day <= day);
    expect(wanted[0]?.day).toBe(day);
    expect(await shown()).toEqual(firstPage(wanted));
    await page.getByText(`${wanted.length} in all`).waitFor();
  });

  it('goes on page by page, and back by the history', async () => {
    await open('?currency=EUR');
    const wanted = rows.filter(({ currency }) => currency === 'EUR');
    const first = firstPage(wanted);
    expect(await shown()).toEqual(first);
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.waitForURL('**cursor=**');
    expect(await shown()).toEqual(firstPage(wanted, 50));
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.locator('.stack tbody .what', { hasText: wanted[100]?.reference ?? '' }).waitFor();
    expect(await shown()).toEqual(firstPage(wanted, 100));
    await page.goBack();
    await page.locator('.stack tbody .what', { hasText: wanted[50]?.reference ?? '' }).waitFor();
    expect(await shown()).toEqual(firstPage(wanted, 50));
    await page.goBack();
    await page.waitForURL(/currency=EUR$/);
    await page.locator('.stack tbody .what', { hasText: first[0] ?? '' }).waitFor();
    expect(await shown()).toEqual(first);
  });

  it("marks a wrong field with the server's words", async () => {
    await open('?account=nobody&from=2026-06-02&to=2026-05-31');
    const account = page.getByLabel('Account');
    expect(await account.getAttribute('aria-invalid')).toBe('true');
    await page.getByText('Must be the id of an account, or its address as user-123:WALLET').waitFor();
    expect(await page.getByLabel('To the end of').getAttribute('aria-invalid')).toBe('true');
    await page.getByText('Must not be before from').waitFor();
    expect(await page.getByLabel('From', { exact: true }).getAttribute('aria-invalid')).toBe(null);
    await expectAccessible(page);
    await shoot(page, 'ledger-search-wrong');

    await open('?account=nobody:WALLET');
    await page.getByText('There is no account nobody:WALLET.').waitFor();
    expect(await account.getAttribute('aria-invalid')).toBe('true');

    await open('?status=FAILED&account=user-1:WALLET');
    await page.getByText('What failed has moved no account').waitFor();
  });

  it('says what to change where nothing is found', async () => {
    const { user } = rows.find((row) => row.user !== '') as Row;
    await open(`?user_id=${user}&reference_prefix=NOPE`);
    await page.getByRole('heading', { name: 'Nothing found online' }).waitFor();
    await shoot(page, 'ledger-search-empty');
    await page.getByRole('link', { name: 'without the reference' }).click();
    await page.waitForURL(`**/transactions?user_id=${user}`);
    expect(await shown()).toEqual(firstPage(rows.filter((row) => row.user === user)));
  });

  it('says which archived quarters the days touch, and reads those too', async () => {
    await open('?from=2024-08-01&to=2025-02-01&status=FAILED');
    expect(await page.locator('.archived .links a').allTextContents()).toEqual(['2024q3', '2024q4']);
    await page.getByRole('link', { name: 'Search the archive of 2024q3' }).click();
    await page.waitForURL('**quarter=2024q3');
    await page.getByText('Read from the archive of').waitFor();
    const failed = await shown();
    expect(failed.length).toBeGreaterThan(0);
    for (const text of await page.locator('.stack .standing').allTextContents())
      expect(text).toContain('Failed');

    // All of the quarter, to its last page: as many as it was closed with.
    /** What is drawn before the archive has answered is the page before. */
    const answeredAfter = async (click: () => Promise<void>) => {
      const answer = page.waitForResponse(/\/v1\/quarters\/2024q3\/transactions/);
      await click();
      await (await answer).finished();
    };
    await answeredAfter(() => page.getByRole('link', { name: 'All of 2024q3' }).click());
    await page.waitForURL(/transactions\?quarter=2024q3$/);
    const all = new Set(await shown());
    const next = page.getByRole('link', { name: 'Next page' });
    while (await next.isVisible()) {
      await answeredAfter(() => next.click());
      for (const reference of await shown()) all.add(reference);
    }
    const { rows: counted } = await sql<{ count: string }>`
      SELECT sum(s.transaction_count)::text AS count FROM ledger.daily_totals AS s
      JOIN ledger.ledgers AS l ON l.id = s.ledger_id
      WHERE l.name = 'northwind' AND s.day BETWEEN '2024-07-01' AND '2024-09-30'`.execute(
      house.database.write,
    );
    expect(String(all.size)).toBe(counted[0]?.count);
    await shoot(page, 'ledger-search-archive');
  });

  it('says of days that are archived so, and nothing of what the ledger holds', async () => {
    const results = page.getByRole('region', { name: 'Results' });
    await open('?from=2024-08-01&to=2024-12-31&currency=EUR');
    await results.getByRole('heading', { name: 'These days are archived' }).waitFor();
    await results.getByRole('link', { name: 'Search the archive of 2024q4' }).waitFor();
    expect(await results.textContent()).not.toContain('Of all that');
    expect(await results.getByRole('heading', { name: 'Nothing found' }).count()).toBe(0);
    await shoot(page, 'ledger-search-archived-days');

    // Where some of the days are online, the rest of what is said is of those.
    await open(`?from=2024-08-01&to=${(rows[0] as Row).day}&reference_prefix=NOPE`);
    await results.getByText('Of all that northwind holds online nothing fits every filter.').waitFor();
    const [links, nothing] = await Promise.all(
      ['.archived', '.card:has(h2)'].map((one) => results.locator(one).boundingBox()),
    );
    expect(links?.y).toBeLessThan(nothing?.y ?? 0);
    await open('?quarter=2024q3&reference_prefix=NOPE');
    await results.getByText('Of all that the archive of 2024q3 holds nothing fits every filter.').waitFor();
  });

  it('shows who may see one ledger that one, and refuses others in a sentence', async () => {
    const mine = await browser.open();
    await signIn(mine, `${house.url}/console/ledger`, await house.key('sakura-only', ['reader'], ['sakura']));
    await answered(mine);
    expect(new URL(mine.url()).pathname).toBe('/console/ledger/sakura/transactions');
    await mine.getByRole('cell', { name: 'JPY' }).first().waitFor();
    await mine.goto(`${house.url}/console/ledger/northwind/transactions`);
    await mine.getByRole('alert').getByText('northwind').waitFor();
    expect(await mine.getByRole('combobox', { name: 'Ledger' }).locator('option').allTextContents()).toEqual([
      'northwind',
      'sakura',
    ]);
    await mine.getByRole('combobox', { name: 'Ledger' }).selectOption('sakura');
    await mine.waitForURL('**/ledger/sakura/transactions');
    expect((await shown(mine)).length).toBe(50);
  });

  it('fits a telephone and a wall, in light and dark', async () => {
    for (const [name, width] of Object.entries(widths)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        await open('');
        await expectFits(page);
        await expectAccessible(page);
        await shoot(page, `ledger-search-${name}-${colorScheme}`);
      }
    }
    expect(faults).toEqual([]);
  });
});
