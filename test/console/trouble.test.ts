import type { Page, Route } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { expectAccessible, expectFits, faults, hasBrowser, shoot, useBrowser, widths } from './browser.ts';
import { useConsoleHouse } from './house.ts';
import { lookedAt, openDialog, quartersIn, somebody as signedIn, visit } from './quarters-person.ts';

/** As the server refuses what it cannot do now. */
function refuse(route: Route, status = 503): Promise<void> {
  const problem = { title: 'Not now', status, code: 'unavailable', detail: 'The store is away.' };
  return route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify(problem) });
}

/** What is looked at now and again is looked at now. */
async function lookAgain(page: Page): Promise<void> {
  await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
}

describe.skipIf(!hasBrowser)('what goes wrong while somebody is at the page', { timeout: 120_000 }, () => {
  const browser = useBrowser();
  const house = useConsoleHouse({ QM_ARCHIVE_APPROVAL: 'required', QM_ONLINE_QUARTERS: '4000' });
  const allQuarters = /\/v1\/quarters$/;
  const pages: Page[] = [];

  async function somebody(name: string, role: 'reader' | 'finance') {
    const person = await signedIn(browser, house, name, role);
    pages.push(person.page);
    return person;
  }

  // What is altered on its way must not be under way any more when the house is gone.
  afterEach(async () => {
    for (const page of pages.splice(0)) {
      await page.unrouteAll({ behavior: 'ignoreErrors' });
      await page.close();
    }
  });

  it('leaves the next view alone when a quarter is left before it is whole', async () => {
    const rita = await somebody('rita', 'reader');
    const { page } = rita;
    const [quarter = ''] = await quartersIn(house, 'closed');
    const held = Promise.withResolvers<void>();
    const asked = page.waitForRequest(allQuarters);
    await page.route(allQuarters, () => held.resolve());
    await page.goto(`${house.url}/console/quarters/${quarter}`);
    await Promise.all([asked, held.promise]);
    const ended = page.waitForEvent('requestfailed', (request) => allQuarters.test(request.url()));
    await page.getByRole('link', { name: 'Ledger', exact: true }).click();
    await ended;
    await page.getByRole('heading', { name: 'Transactions', level: 1 }).waitFor();
    await page.locator('section[aria-label="Results"][aria-busy="false"]').waitFor();
    expect(await page.getByText('This view failed').count()).toBe(0);
    expect(faults.splice(0).filter((fault) => !fault.includes('ERR_ABORTED'))).toEqual([]);
  });

  it('shows a quarter without its neighbours and its trial balance, and has them as soon as they can be had', async () => {
    const rita = await somebody('rita', 'reader');
    const { page } = rita;
    const [, quarter = ''] = await quartersIn(house, 'closed');
    let isAway = true;
    for (const part of [allQuarters, /\/trial-balance$/])
      await page.route(part, (route) => (isAway ? refuse(route) : route.fallback()));
    await visit(rita, house, quarter);
    const balance = page.getByRole('region', { name: 'Trial balance', exact: true });
    await balance.getByRole('alert').getByText('The store is away.').waitFor();
    await page.getByText('Its books are closed').waitFor();
    expect(await page.getByText('This view failed').count()).toBe(0);
    isAway = false;
    await expect
      .poll(
        async () => {
          await lookAgain(page);
          return page.getByRole('link', { name: /^Before it:/ }).count();
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(1);
    await balance.getByRole('row', { name: /northwind EUR .* yes/ }).waitFor();
    await balance.getByRole('alert').waitFor({ state: 'detached' });
    expect(faults).toEqual([]);
  });

  it('says of a quarter that nobody knows where the others are, and gives no advice for a terminal', async () => {
    const { page } = await somebody('rita', 'reader');
    await page.goto(`${house.url}/console/quarters/2131q1`);
    const said = page.getByRole('alert');
    await said.getByText('There is no quarter 2131q1.').waitFor();
    expect(await page.locator('main').textContent()).not.toContain('`');
    await shoot(page, 'quarter-unknown');
    await said.getByRole('link', { name: 'See those there are' }).click();
    await page.getByRole('heading', { level: 1, name: 'Quarters' }).waitFor();
  });

  it('writes a command in the words of the server as code', async () => {
    const finn = await somebody('finn', 'finance');
    const [quarter = ''] = await quartersIn(house, 'closed');
    await finn.page.route(/\/hold$/, (route) => {
      const problem = { title: 'No', status: 409, code: 'busy', detail: 'Try `quarters hold` then.' };
      return route.fulfill({
        status: 409,
        contentType: 'application/problem+json',
        body: JSON.stringify(problem),
      });
    });
    await visit(finn, house, quarter);
    const dialog = await openDialog(finn, 'Hold');
    await dialog
      .getByRole('alert')
      .locator('p code', { hasText: /^quarters hold$/ })
      .waitFor();
    expect(await dialog.textContent()).not.toContain('`');
  });

  it('keeps what was written when the session ends, for who wrote it', async () => {
    const finn = await somebody('finn', 'finance');
    const { page } = finn;
    const [quarter = ''] = await quartersIn(house, 'closed');
    await visit(finn, house, quarter);
    const dialog = await openDialog(finn, 'Hold');
    await dialog.getByLabel('Why').fill('court order 23');
    await page.context().clearCookies();
    await dialog.getByRole('button', { name: `Hold ${quarter}` }).click();
    await page.getByText('What you had typed is kept').waitFor();
    await shoot(page, 'session-ended-in-dialog');
    const signInAs = async (name: string) => {
      await page.getByLabel('Key', { exact: true }).fill(await house.key(name, ['finance']));
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'What can be done now' }).waitFor();
    };
    await signInAs('finn');
    await openDialog(finn, 'Hold');
    await dialog.getByText('What you had written before is kept below.').waitFor();
    expect(await dialog.getByLabel('Why').inputValue()).toBe('court order 23');
    await page.context().clearCookies();
    await dialog.getByRole('button', { name: `Hold ${quarter}` }).click();
    await page.getByText('What you had typed is kept').waitFor();
    await signInAs('gwen');
    await openDialog(finn, 'Hold');
    expect(await dialog.getByLabel('Why').inputValue()).toBe('');
    await page.keyboard.press('Escape');
    expect(faults).toEqual([]);
  });

  it('says that one is signed in still when the server does not answer to a sign-out', async () => {
    const { page } = await somebody('rita', 'reader');
    await page.getByRole('table').waitFor();
    let isAway = true;
    await page.route(/\/v1\/session$/, (route) => (isAway ? route.abort() : route.fallback()));
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('alert').getByText('You are still signed in: the server did not answer.').waitFor();
    expect(await page.getByRole('table').isVisible()).toBe(true);
    await expectAccessible(page);
    await shoot(page, 'sign-out-unanswered');
    isAway = false;
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    expect(faults.splice(0).filter((fault) => !fault.includes('ERR_FAILED'))).toEqual([]);
  });

  it('says how the first ledger is made where there is none, and shows it when somebody comes again', async () => {
    const { page } = await somebody('ada', 'finance');
    let isEmpty = true;
    await page.route(/\/v1\/about$/, async (route) => {
      const answer = await route.fetch();
      const about = { ...(await answer.json()), ...(isEmpty && { ledgers: [] }) };
      await route.fulfill({ response: answer, json: about });
    });
    await page.goto(`${house.url}/console`);
    await page.getByRole('link', { name: 'Ledger', exact: true }).click();
    await page.getByText('There is no ledger yet.').waitFor();
    await page.getByText('quartermaster load FILE --ledger NAME --create-ledger').waitFor();
    await page.getByText('POST /v1/ledgers').waitFor();
    await expectFits(page);
    await shoot(page, 'ledger-none');
    isEmpty = false;
    await page.getByRole('link', { name: 'Ledger', exact: true }).click();
    await page.waitForURL('**/console/ledger/northwind/transactions');
    expect(faults).toEqual([]);
  });

  it('sends nobody to a button that they do not have', async () => {
    const { page } = await somebody('rita', 'reader');
    await page.route(/\/v1\/operation$/, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), indexes: null } });
    });
    await page.goto(`${house.url}/console/health`);
    await page.getByText('does so each week; whoever has the role admin can run it now').waitFor();
    expect(await page.getByText('its button above').count()).toBe(0);
  });

  it('says before an archive and its approval that the schedule takes the quarter out afterwards', async () => {
    const finn = await somebody('finn', 'finance');
    const [quarter = ''] = await quartersIn(house, 'closed');
    await visit(finn, house, quarter);
    const dialog = await openDialog(finn, 'Archive');
    const words = new RegExp(
      `Afterwards the schedule detaches ${quarter} by itself, from \\d+ \\w+ \\d{4} on`,
    );
    await dialog.getByText(words).waitFor();
    await shoot(finn.page, 'quarter-archive-afterwards');
    await dialog.getByRole('button', { name: 'Ask for the archive' }).click();
    await dialog.getByText(words).waitFor();
    const gwen = await somebody('gwen', 'finance');
    // By now its time has come.
    await gwen.page.route(new RegExp(`/v1/quarters/${quarter}$`), async (route) => {
      const answer = await route.fetch();
      const found = await answer.json();
      const next = found.next && { ...found.next, at: '2020-01-01T00:00:00Z' };
      await route.fulfill({ response: answer, json: { ...found, next } });
    });
    await visit(gwen, house, quarter);
    const due = `Afterwards the schedule detaches ${quarter} by itself, at its next look, within a day`;
    await gwen.page.locator('.approval').getByText(due).waitFor();
    await gwen.page.getByRole('button', { name: 'Approve the archive …' }).click();
    const hers = await lookedAt(gwen.page);
    await hers.getByText(due).waitFor();
    await hers.getByRole('button', { name: `Approve ${quarter}` }).click();
    await hers.getByText('Approved.').waitFor();
    await hers.getByText(due).waitFor();
    await shoot(gwen.page, 'quarter-approved-afterwards');
    expect(faults).toEqual([]);
  });

  it('begins the quarters on the first screen, however much needs somebody', async () => {
    const { page } = await somebody('rita', 'reader');
    let isBad = false;
    await page.route(allQuarters, async (route) => {
      const answer = await route.fetch();
      const { quarters } = (await answer.json()) as { quarters: object[] };
      const stale = { stale_reason: 'an earlier one was reopened' };
      await route.fulfill({
        response: answer,
        json: { quarters: quarters.map((one) => ({ ...one, ...(isBad && stale) })) },
      });
    });
    for (const bad of [false, true]) {
      isBad = bad;
      for (const width of [widths.desk, widths.wall]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(`${house.url}/console`);
        const row = page.getByRole('table').locator('tbody tr').nth(1);
        await row.waitFor();
        const box = await row.boundingBox();
        expect((box?.y ?? 900) + (box?.height ?? 0), `${width} ${bad}`).toBeLessThan(900);
        await page.screenshot({ path: `var/screenshots/quarters-first-${width}-${bad}.png` });
      }
    }
    const needs = page.getByRole('region', { name: 'What needs somebody today' });
    expect(await needs.getByRole('listitem').count()).toBe(4);
    await needs.getByText(/^and \d+ more$/).click();
    expect(await needs.getByRole('listitem').count()).toBeGreaterThan(5);
    await expectAccessible(page);
  });
});
