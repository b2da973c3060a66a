import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { expectAccessible, expectFits, faults, hasBrowser, shoot, useBrowser, widths } from './browser.ts';
import { useConsoleHouse } from './house.ts';
import { quartersIn, somebody, visit } from './quarters-person.ts';

describe.skipIf(!hasBrowser)('the quarters of the page', { timeout: 120_000 }, () => {
  const browser = useBrowser();
  const house = useConsoleHouse();

  /** At three widths, in light and dark: nothing sticks out, and axe finds nothing. */
  async function lookAtAll(page: Page, name: string): Promise<void> {
    for (const [place, width] of Object.entries(widths)) {
      await page.setViewportSize({ width, height: 900 });
      await expectFits(page);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await expectAccessible(page);
        await shoot(page, `${name}-${place}-${colorScheme}`);
      }
    }
    await page.setViewportSize({ width: widths.desk, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
  }

  it('are all there by year, with their state in words and what comes next', async () => {
    const { page } = await somebody(browser, house, 'rita', 'reader');
    const known = await house.database.write
      .selectFrom('quartermaster.quarters')
      .select('quarter')
      .orderBy('quarter')
      .execute();
    const table = page.getByRole('table');
    await table.waitFor();
    const names = await table.getByRole('rowheader').getByRole('link').allInnerTexts();
    expect(names).toEqual(known.map(({ quarter }) => quarter));
    const [detached = ''] = await quartersIn(house, 'detached');
    await table
      .getByRole('row', { name: new RegExp(`^${detached} .* detached drop by itself from`) })
      .waitFor();
    await table.getByRole('row', { name: /open now close by itself from/ }).waitFor();
    await table
      .getByRole('row', { name: /closed archive by itself from/ })
      .first()
      .waitFor();
    await page.getByText('Nothing needs you.').waitFor();
    const meaning = page.getByText('out of the ledger; its archive and its tables are kept');
    expect(await meaning.isVisible()).toBe(false);
    await page.getByText('What the signs mean').click();
    await meaning.waitFor();
    await lookAtAll(page, 'quarters');
  });

  it('are cards on a telephone, each with its link', async () => {
    const { page } = await somebody(browser, house, 'rita', 'reader');
    await page.setViewportSize({ width: widths.phone, height: 800 });
    const [detached = ''] = await quartersIn(house, 'detached');
    await page.getByRole('table').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: detached }).click();
    await page.getByRole('heading', { level: 1, name: detached }).waitFor();
  });

  it('one shows where it is, its archive and its place in the chain', async () => {
    const rita = await somebody(browser, house, 'rita', 'reader');
    const { page } = rita;
    const [first = '', second = '', third = ''] = await quartersIn(house, 'detached');
    await visit(rita, house, second);
    expect(await page.locator('[aria-current="step"]').textContent()).toMatch(/^\s*detached/);
    await page.getByText('It has left the ledger.').waitFor();
    const archive = page.getByRole('region', { name: 'Archive', exact: true });
    await archive.getByText('Written before it:').getByRole('link', { name: first }).waitFor();
    await archive.getByText('Written after it:').getByRole('link', { name: third }).waitFor();
    await page.getByRole('row', { name: /northwind EUR .* yes/ }).waitFor();
    await page.getByText('accounts', { exact: true }).first().waitFor();
    await page.getByRole('table').nth(1).getByRole('row').nth(1).waitFor();
    await lookAtAll(page, 'quarter');

    // Who only reads is offered nothing that would be refused, and hears why.
    await page.getByText('takes a key with the role').waitFor();
    const buttons = await page.locator('main').getByRole('button').allInnerTexts();
    expect(buttons.filter((text) => text.includes('…'))).toEqual([]);
    const [current = ''] = await quartersIn(house, 'closed');
    await visit(rita, house, current);
    expect(
      (await page.locator('main').getByRole('button').allInnerTexts()).filter((text) => text.includes('…')),
    ).toEqual([]);
  });

  it('have accounts that are put in order by the server, and searched by how they begin', async () => {
    const rita = await somebody(browser, house, 'rita', 'reader');
    const { page } = rita;
    const [quarter = ''] = await quartersIn(house, 'closed');
    await visit(rita, house, quarter);
    const accounts = page.getByRole('region', { name: 'Accounts' });
    const head = (name: string) => accounts.getByRole('columnheader', { name });
    await accounts.getByRole('row').nth(1).waitFor();
    expect(await head('Closing').getAttribute('aria-sort')).toBe('descending');
    const amounts = async (column: number) =>
      (await accounts.locator(`tbody tr td:nth-child(${column})`).allInnerTexts()).map((text) =>
        Number(text.replaceAll(',', '').replace('−', '-')),
      );
    const closing = await amounts(5);
    expect(closing.length).toBeGreaterThan(10);
    expect(closing).toEqual(closing.toSorted((a, b) => b - a));
    const answered = () => page.waitForResponse((response) => response.url().includes('/accounts?'));
    let [answer] = await Promise.all([answered(), head('Debits').getByRole('button').click()]);
    expect(answer.url()).toContain('sort=debits&order=desc');
    await accounts.locator('th[aria-sort="descending"]', { hasText: 'Debits' }).waitFor();
    [answer] = await Promise.all([answered(), head('Debits').getByRole('button').click()]);
    expect(answer.url()).toContain('sort=debits&order=asc');
    await page.getByText('The first 50 accounts of more').waitFor();

    await page.getByLabel('Account begins with').fill('treasury');
    await page.getByText('1 account: all that fit.').waitFor();
    await accounts.getByRole('link', { name: 'treasury:BANK' }).waitFor();
    await page.getByLabel('Account begins with').fill('nobody-at-all');
    await page.getByText('No account fits.').waitFor();
    await page.getByLabel('Account begins with').fill('');
    await page.getByRole('button', { name: 'Show up to 1,000' }).click();
    await page.getByText('accounts: all that fit.').waitFor();
    await page.getByLabel('Ledger and currency').selectOption({ label: 'sakura, JPY' });
    await accounts.getByRole('cell', { name: 'JPY' }).first().waitFor();
    expect(await accounts.locator('tbody tr td:nth-child(5)').first().textContent()).not.toContain('.');
  });

  it('are closed to who is let into some ledgers only, and it says what is open', async () => {
    const { page } = await somebody(browser, house, 'lena', 'reader', ['northwind']);
    await page.getByText('your key is for northwind only').waitFor();
    await expectAccessible(page);
    await shoot(page, 'quarters-some-ledgers');
    await page.goto(`${house.url}/console/quarters/2026q1`);
    await page.getByText('your key is for northwind only').waitFor();
  });

  it('say so when there is none of that name, and when the server does not answer', async () => {
    const { page } = await somebody(browser, house, 'rita', 'reader');
    await page.goto(`${house.url}/console/quarters/1999q1`);
    await page.getByRole('alert').getByText('no_such_quarter').waitFor();
    await page.goto(`${house.url}/console`);
    await page.getByRole('table').waitFor();
    expect(faults).toEqual([]);
    await page.context().setOffline(true);
    await page.getByRole('alert').getByText('no_answer').waitFor();
    await page.getByText('What follows is as of').waitFor();
    expect(await page.getByRole('table').isVisible()).toBe(true);
    await page.context().setOffline(false);
    await page.getByRole('alert').waitFor({ state: 'detached' });
    // What the browser itself says of it is no fault of the page.
    expect(faults.filter((fault) => !fault.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([]);
  });
});
