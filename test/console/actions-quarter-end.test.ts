import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { expectAccessible, expectFits, faults, hasBrowser, shoot, useBrowser, widths } from './browser.ts';
import { useConsoleHouse } from './house.ts';
import { hasFocus, lookedAt, type Person, press, quartersIn, somebody, tabTo } from './quarters-person.ts';

/** Nothing is closed or archived by itself while this runs, and an archive and a drop take two people. */
const settings = { QM_ARCHIVE_APPROVAL: 'required', QM_CLOSE_AFTER_DAYS: '366', QM_ONLINE_QUARTERS: '4000' };

describe.skipIf(!hasBrowser)('a quarter end with the keyboard alone', () => {
  const browser = useBrowser();
  const house = useConsoleHouse(settings);

  /** Opens a dialog from the panel, fills it and sends it, all with keys; leaves it with its answer shown. */
  async function ask({ page }: Person, label: string, submit: string, fields: Record<string, string> = {}) {
    const panel = page.getByRole('region', { name: 'What can be done now' });
    await press(page, panel.getByRole('button', { name: `${label} …`, exact: true }));
    const dialog = await lookedAt(page);
    for (const [field, text] of Object.entries(fields)) {
      await tabTo(page, dialog.getByLabel(field));
      await page.keyboard.type(text);
    }
    await press(page, dialog.getByRole('button', { name: submit, exact: true }));
    return dialog;
  }

  async function back({ page }: Person) {
    const dialog = page.getByRole('dialog');
    await press(page, dialog.getByRole('button', { name: 'Back to the quarter' }));
    await dialog.waitFor({ state: 'hidden' });
  }

  it('goes from the first page to a quarter out of the ledger that nobody can drop', {
    timeout: 240_000,
  }, async () => {
    const [quarter = ''] = await quartersIn(house, 'open');
    const finn = await somebody(browser, house, 'finn');
    const gwen = await somebody(browser, house, 'gwen');
    const { page } = finn;

    // What needs somebody leads to the quarter.
    const needs = page.getByRole('region', { name: 'What needs somebody today' });
    await needs.getByText('ended, not closed').first().waitFor();
    await press(page, needs.getByRole('link', { name: quarter }));
    await page.getByRole('heading', { level: 1, name: quarter }).waitFor();

    // Close, with what it will do shown before.
    const panel = page.getByRole('region', { name: 'What can be done now' });
    await press(page, panel.getByRole('button', { name: 'Close …', exact: true }));
    let dialog = await lookedAt(page);
    await dialog.getByText('Check its books: sums, transactions, balances').waitFor();
    for (const [place, width] of Object.entries(widths)) {
      await page.setViewportSize({ width, height: 900 });
      await expectFits(page);
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        await expectAccessible(page);
      }
      await shoot(page, `quarter-close-asked-${place}`);
    }
    await page.setViewportSize({ width: widths.desk, height: 900 });
    // Escape leaves everything as it was, and the person where they were.
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(await hasFocus(panel.getByRole('button', { name: 'Close …', exact: true }))).toBe(true);
    dialog = await ask(finn, 'Close', `Close ${quarter}`, { Why: 'all statements are in' });
    await dialog.getByText('Done.').waitFor();
    await back(finn);

    // The trial balance, on the page and as a file.
    await page.getByText('The versions have no gap').waitFor();
    const balance = page.getByRole('region', { name: 'Trial balance', exact: true });
    await balance.getByRole('row', { name: /northwind EUR .* yes/ }).waitFor();
    const link = balance.getByRole('link', { name: 'Download all accounts (CSV)' });
    await tabTo(page, link);
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    expect(download.suggestedFilename()).toBe(`trial-balance-${quarter}.csv`);
    const csv = (await readFile(await download.path(), 'utf8')).split('\r\n');
    expect(csv[0]).toMatch(/account/);
    expect(csv.some((line) => line.includes('user-'))).toBe(true);

    // Archive: asked for by one, approved by the other.
    dialog = await ask(finn, 'Archive', 'Ask for the archive', { Why: 'quarter end' });
    await dialog.getByText('Asked for. Now somebody else has to approve it.').waitFor();
    await shoot(page, 'quarter-archive-asked');
    await back(finn);
    await page.getByText('You asked for the archive', { exact: true }).waitFor();
    expect(await panel.getByRole('button', { name: 'Approve …' }).count()).toBe(0);

    await gwen.page.reload();
    const hers = gwen.page.getByRole('region', { name: 'What needs somebody today' });
    await hers.getByText('finn asked for its archive: “quarter end”. Approve it, or leave it.').waitFor();
    await shoot(gwen.page, 'quarters-approval-waits');
    await press(gwen.page, hers.getByRole('link', { name: quarter }).first());
    await press(gwen.page, gwen.page.getByRole('button', { name: 'Approve the archive …' }));
    dialog = await lookedAt(gwen.page);
    await dialog.getByText('Approve the archive that finn has asked for').waitFor();
    await press(gwen.page, dialog.getByRole('button', { name: `Approve ${quarter}`, exact: true }));
    await dialog.getByText('Done.').waitFor();
    await back(gwen);

    // Finn’s page has heard of it by itself, and what he does next is there.
    await page.getByText('It is in the archive, which was read back').waitFor();
    dialog = await ask(finn, 'Verify', `Verify ${quarter}`);
    await dialog.getByText('Done.').waitFor();
    await back(finn);
    dialog = await ask(finn, 'Detach', `Detach ${quarter}`, { Why: 'the year is over' });
    await dialog.getByText('Done.').waitFor();
    await back(finn);
    await page.getByText('It has left the ledger.').waitFor();

    // A hold refuses the drop, and says why.
    dialog = await ask(finn, 'Hold', `Hold ${quarter}`, { Why: 'tax audit' });
    await dialog.getByText(`${quarter} is held`).waitFor();
    await back(finn);
    await press(page, panel.getByText(/^Not now/));
    await panel.getByText('It is held: tax audit. End the hold first.').first().waitFor();
    expect(await panel.getByRole('button', { name: 'Drop …' }).count()).toBe(0);

    // All of it is in the story, under the names of who did it.
    const story = page.getByRole('region', { name: 'Its story' });
    for (const [what, who] of [
      ['closed', 'finn'],
      ['archive asked for; somebody else has to approve it', 'finn'],
      ['archive approved', 'gwen'],
      ['archived', 'finn'],
      ['detached', 'finn'],
      ['held', 'finn'],
    ] as const) {
      const line = story.getByRole('listitem').filter({ has: page.getByText(what, { exact: true }) });
      expect(await line.getByText(`by ${who}`).count()).toBe(1);
    }
    await shoot(page, 'quarter-detached-held');
    expect(faults).toEqual([]);
  });
});
