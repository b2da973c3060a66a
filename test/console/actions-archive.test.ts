import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { faults, hasBrowser, shoot, useBrowser } from './browser.ts';
import { useConsoleHouse } from './house.ts';
import { hasFocus, lookedAt, openDialog, quartersIn, somebody, visit } from './quarters-person.ts';

const settings = { QM_ARCHIVE_APPROVAL: 'required', QM_CLOSE_AFTER_DAYS: '366', QM_ONLINE_QUARTERS: '4000' };

describe.skipIf(!hasBrowser)('a quarter that leaves the ledger and comes back', { timeout: 120_000 }, () => {
  const browser = useBrowser();
  const house = useConsoleHouse(settings);
  let quarter = '';

  const panelOf = (page: Page) => page.getByRole('region', { name: 'What can be done now' });
  const dayIn = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

  async function done(page: Page, text: string | RegExp = 'Done.') {
    const dialog = page.getByRole('dialog');
    await dialog.getByText(text).waitFor();
    await dialog.getByRole('button', { name: 'Back to the quarter' }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  async function asked(name: string, verb: string): Promise<number> {
    const key = await house.key(name, ['finance']);
    const headers = { authorization: `Bearer ${key}` };
    return (await fetch(`${house.url}/v1/quarters/${quarter}/${verb}`, { method: 'POST', headers })).status;
  }

  it('shows what others do by itself, and leaves the focus where it was', async () => {
    [quarter = ''] = await quartersIn(house, 'closed');
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    await visit(finn, house, quarter);
    const hold = panelOf(page).getByRole('button', { name: 'Hold …' });
    await hold.focus();
    expect(await asked('gwen', 'archive')).toBe(409);
    expect(await asked('hugo', 'approve')).toBe(200);
    await page.getByText('It is in the archive, which was read back').waitFor();
    expect(await hasFocus(hold)).toBe(true);
    const files = page.getByRole('region', { name: 'Files of the archive' });
    await files.getByRole('row', { name: /entries\/part-0000\.parquet/ }).waitFor();
    await page.getByText('none, it is the first').waitFor();
    const hash = files.getByRole('row', { name: /entries\/part-0000/ }).locator('summary');
    await hash.click();
    const whole = await files.locator('details[open] .whole').textContent();
    expect(whole).toMatch(/^[0-9a-f]{64}$/);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await files.getByRole('button', { name: 'Copy the SHA-256 of entries/part-0000.parquet' }).click();
    await files.locator('[data-said="copied"]').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(whole);
  });

  it('copies it beside the ledger, and drops the copy', async () => {
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    await visit(finn, house, quarter);
    const dialog = await openDialog(finn, 'Copy beside the ledger');
    await dialog.getByText('What it would do is shown when the schema is named.').waitFor();
    await dialog.getByRole('button', { name: /^Copy beside/ }).click();
    await dialog.getByText('Name the schema that the copy goes into.').waitFor();
    await dialog.getByLabel('Why').fill('tax audit');
    await dialog.getByLabel('Schema of the copy').fill('Audit 2024');
    await dialog.getByText('Up to 63 lower-case letters').waitFor();
    await dialog.getByLabel('Schema of the copy').fill('audit_2024');
    await dialog.getByLabel('Until the end of').fill(dayIn(20));
    await dialog.getByText('This is what it will do:').waitFor();
    await dialog.getByRole('button', { name: /^Copy beside/ }).click();
    await done(page);
    const copies = page.getByRole('region', { name: 'Copies beside the ledger' });
    await copies.getByText('audit_2024').waitFor();
    await copies.getByText('It is dropped by itself at the end of').waitFor();
    await copies.getByRole('button', { name: 'Drop this copy …' }).click();
    await lookedAt(page);
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Drop the copy/ })
      .click();
    await done(page);
    await copies.waitFor({ state: 'detached' });
  });

  it('finds a damaged archive, says so on the first page, and is tried again when it was mended', async () => {
    const store = new URL(house.environment.QM_STORE ?? '').pathname;
    const folder = join(store, 'ledger', quarter, 'entries');
    const [part = ''] = await readdir(folder);
    const before = await readFile(join(folder, part));
    const damaged = Buffer.from(before);
    damaged[100] = (damaged[100] ?? 0) ^ 1;
    await writeFile(join(folder, part), damaged);
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    await visit(finn, house, quarter);
    const dialog = await openDialog(finn, 'Verify');
    await dialog.getByRole('button', { name: `Verify ${quarter}` }).click();
    await dialog.getByText('Something is not what it should be.').waitFor();
    await dialog.getByRole('button', { name: 'Back to the quarter' }).click();
    await page.getByText('Its archive was found damaged.').waitFor();
    await page.getByRole('region', { name: 'Its story' }).getByText('archive found damaged').waitFor();
    await shoot(page, 'quarter-damaged');
    await page.goto(`${house.url}/console`);
    const needs = page.getByRole('region', { name: 'What needs somebody today' });
    await needs.getByText('Its archive was found damaged').waitFor();
    await needs.getByText('verify failed:').waitFor();
    await shoot(page, 'quarters-damaged');

    await writeFile(join(folder, part), before);
    await visit(finn, house, quarter);
    await page.getByRole('button', { name: 'Try verify again' }).click();
    await page.getByText('Its archive was found damaged.').waitFor({ state: 'detached' });
    await page.getByRole('region', { name: 'Its story' }).getByText('archive verified').waitFor();
  });

  it('is dropped by two people, of whom the first has typed its name', async () => {
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    await visit(finn, house, quarter);
    let dialog = await openDialog(finn, 'Detach');
    await dialog.getByRole('button', { name: `Detach ${quarter}` }).click();
    await done(page);
    await panelOf(page).getByRole('button', { name: 'Drop …' }).waitFor();

    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/drop') && request.postData()?.includes('dry_run') !== true)
        sent.push(request.url());
    });
    dialog = await openDialog(finn, 'Drop');
    await dialog.getByText(`Read the whole archive of ${quarter} from the store`).waitFor();
    await dialog.getByLabel('Why').fill('older than the law wants');
    await dialog.getByRole('button', { name: 'Ask for the drop' }).click();
    await dialog.getByText(`Type ${quarter} to say that you mean this quarter.`).waitFor();
    expect(await hasFocus(dialog.getByLabel(`Type ${quarter}`))).toBe(true);
    await dialog.getByLabel(`Type ${quarter}`).fill('2031q1');
    await dialog.getByRole('button', { name: 'Ask for the drop' }).click();
    expect(sent).toEqual([]);
    await shoot(page, 'quarter-drop-unnamed');
    await dialog.getByLabel(`Type ${quarter}`).fill(quarter);
    await dialog.getByRole('button', { name: 'Ask for the drop' }).click();
    await done(page, 'Asked for. Now somebody else has to approve it.');
    expect(sent).toHaveLength(1);
    await panelOf(page)
      .getByText(/^Not now/)
      .click();
    await panelOf(page)
      .getByText('You asked for it, and it waits for somebody else to approve it.')
      .waitFor();
    await panelOf(page).getByText('nobody approves their own request').waitFor();
    // Who asks the server all the same is refused.
    expect(await asked('finn', 'approve')).toBeGreaterThanOrEqual(400);

    const gwen = await somebody(browser, house, 'gwen');
    await visit(gwen, house, quarter);
    await gwen.page.getByText('finn asked for the drop', { exact: true }).waitFor();
    await gwen.page.getByText('“older than the law wants”').first().waitFor();
    await gwen.page.getByRole('button', { name: 'Approve the drop …' }).click();
    await lookedAt(gwen.page);
    await gwen.page
      .getByRole('dialog')
      .getByRole('button', { name: `Approve ${quarter}` })
      .click();
    await done(gwen.page);
    await page.getByText('Its tables are gone.').waitFor();
    await page
      .getByRole('region', { name: 'Its story' })
      .getByText(/asked for by finn, approved by gwen/)
      .waitFor();
  });

  it('comes back until a day, stays for longer, and goes again', async () => {
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    await visit(finn, house, quarter);
    let dialog = await openDialog(finn, 'Restore');
    // Few want a copy: it is folded away.
    expect(await dialog.getByLabel(/^Schema of a copy/).isVisible()).toBe(false);
    await dialog.getByLabel('Why').fill('tax audit');
    await dialog.getByLabel(/^Until the end of/).fill(dayIn(10));
    await dialog.getByText(/is restored then until/).waitFor();
    await dialog.getByRole('button', { name: `Restore ${quarter}` }).click();
    await done(page);
    await page.getByText(/It is back in the ledger, to be read only, until the end of/).waitFor();
    await shoot(page, 'quarter-restored');

    dialog = await openDialog(finn, 'Keep for longer');
    await dialog.getByLabel('Why').fill('the audit goes on');
    await dialog.getByRole('button', { name: `Keep for longer ${quarter}` }).click();
    await dialog.getByText('Say until when it is wanted.').waitFor();
    await dialog.getByLabel(/^Until the end of/).fill(dayIn(30));
    await dialog.getByRole('button', { name: `Keep for longer ${quarter}` }).click();
    await done(page);
    await page.getByRole('region', { name: 'Its story' }).getByText('restored for longer').waitFor();

    dialog = await openDialog(finn, 'Release');
    await dialog.getByRole('button', { name: `Release ${quarter}` }).click();
    await done(page);
    await page.getByText('It has left the ledger.').waitFor();
    expect(faults).toEqual([]);
  });
});
