import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { expectAccessible, faults, hasBrowser, shoot, signIn, useBrowser } from './browser.ts';
import { useConsoleHouse } from './house.ts';

describe.skipIf(!hasBrowser)('the accounts', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();

  it('leads who knows no account yet to some, and who may see no quarters to the transactions', async () => {
    const accounts = `${house.url}/console/ledger/northwind/accounts`;
    const page = await browser.open();
    await signIn(page, accounts, await house.key('rita', ['reader']));
    const first = (on: Page) => on.locator('.card', { hasText: 'Do you not know one yet?' });
    await first(page).getByText('These moved most in').waitFor();
    expect(await first(page).getByRole('link').first().textContent()).toMatch(/^\d{4}q\d$/);
    expect(await first(page).locator('.links a').count()).toBe(8);
    await expectAccessible(page);
    await shoot(page, 'ledger-accounts-first');
    await first(page).locator('.links a').first().click();
    await page.getByRole('region', { name: 'Balance', exact: true }).waitFor();

    const mine = await browser.open();
    await signIn(mine, accounts, await house.key('northwind-only', ['reader'], ['northwind']));
    await first(mine).waitFor();
    expect(await first(mine).getByRole('link').allTextContents()).toEqual(['transaction']);
    expect(faults).toEqual([]);
  });
});
