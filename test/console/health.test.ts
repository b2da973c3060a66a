import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

describe.skipIf(!hasBrowser)('health', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();
  let finance: Page;
  let admin: Page;

  beforeAll(async () => {
    finance = await browser.open();
    await signIn(finance, `${house.url}/console/health`, await house.key('fiona', ['finance']));
    admin = await browser.open();
    await signIn(admin, `${house.url}/console/health`, await house.key('ada', ['admin']));
    await admin.locator('.verdict').waitFor();
  });

  /** What the server says of how the house stands, to be told with something changed. */
  async function operation(): Promise<object> {
    const headers = { authorization: `Bearer ${await house.key(`told-${crypto.randomUUID()}`, ['reader'])}` };
    return (await (await fetch(`${house.url}/v1/operation`, { headers })).json()) as object;
  }

  const sentence = (page: Page) => page.locator('.verdict .sentence');

  it('says in one sentence whether somebody has to do something, and what that rests on', async () => {
    await finance.locator('.verdict').waitFor();
    expect(await sentence(finance).innerText()).toMatch(/^(Nobody has to do anything|Somebody )/);
    for (const heading of ['Checks', 'What failed', 'How it stands', 'Queues', 'Indexes', 'Alerts']) {
      await finance.getByRole('heading', { name: heading, exact: true }).waitFor();
    }
    await finance.getByText('QM_PROMETHEUS_URL').waitFor();
    const row = finance.getByRole('row', { name: /refresh-summaries/ });
    expect(await row.innerText()).toContain('every minute');
    // Who may not have it run is offered no button.
    expect(await finance.getByRole('button', { name: /^Run now/ }).count()).toBe(0);
    await expectAccessible(finance);
    expect(faults).toEqual([]);
  });

  it('has a job run now for an admin, who is asked first, and then stands in the story', async () => {
    await admin.getByRole('button', { name: 'Run now: audit-indexes' }).click();
    const dialog = admin.getByRole('dialog', { name: 'Run audit-indexes now?' });
    await dialog.getByText('it changes nothing').waitFor();
    await shoot(admin, 'health-run');
    await expectAccessible(admin);
    // Left, nothing is done, and the focus is where it was.
    await admin.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await admin.evaluate('document.activeElement.getAttribute("aria-label")')).toBe(
      'Run now: audit-indexes',
    );
    await admin.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Run now' }).click();
    await admin.getByText('audit-indexes waits for a worker.').waitFor();
    await dialog.waitFor({ state: 'detached' });

    const events = admin.getByRole('region', { name: 'Events' });
    await events.getByRole('row', { name: /ada.*audit-indexes/ }).waitFor();
    await admin.getByRole('link', { name: 'What I did' }).click();
    await admin.waitForURL('**/console/health?actor=ada');
    await events.getByRole('row', { name: /audit-indexes/ }).waitFor();
    const actors = await events.locator('tbody tr td:nth-child(2)').allInnerTexts();
    expect(new Set(actors)).toEqual(new Set(['ada']));
    // The worker has done it: what it found is there.
    await admin.getByText(/^Looked at/).waitFor();
    await admin.getByRole('link', { name: 'Everybody' }).click();
    await admin.waitForURL(/\/console\/health$/);
  });

  it('refuses to run a job for finance, whatever the page offers', async () => {
    const status = await finance.evaluate(async () => {
      const page = globalThis as unknown as { fetch: typeof fetch };
      const session = (await (await page.fetch('/v1/session')).json()) as { csrf_token: string };
      const headers = { 'x-csrf-token': session.csrf_token };
      return (await page.fetch('/v1/queues/reindex/run', { method: 'POST', headers })).status;
    });
    expect(status).toBe(403);
  });

  it('shows a step that failed with its error, and has it tried again under the name of who asks', async () => {
    const store = fileURLToPath(house.environment.QM_STORE ?? '');
    const file = join(store, 'ledger', '2024q2', 'manifest.json');
    const sound = await readFile(file);
    await writeFile(file, sound.subarray(0, sound.length - 20));
    await finance.evaluate(async () => {
      const page = globalThis as unknown as { fetch: typeof fetch };
      const session = (await (await page.fetch('/v1/session')).json()) as { csrf_token: string };
      const headers = { 'x-csrf-token': session.csrf_token, 'content-type': 'application/json' };
      await page.fetch('/v1/quarters/2024q2/verify', { method: 'POST', headers, body: '{}' });
    });
    const failure = finance.locator('.failures li', { hasText: 'verify of 2024q2' });
    await failure.waitFor();
    expect(await failure.locator('p').first().innerText()).not.toBe('');
    await expect.poll(() => sentence(finance).innerText()).toMatch(/^Somebody .*(archives|blocked)/);
    await shoot(finance, 'health-failure');
    await expectAccessible(finance);

    await writeFile(file, sound);
    await failure.getByRole('button', { name: 'Try again: verify of 2024q2' }).click();
    const dialog = finance.getByRole('dialog', { name: 'Try verify of 2024q2 again?' });
    await dialog.getByText('under your name, fiona').waitFor();
    await shoot(finance, 'health-retry');
    await dialog.getByRole('button', { name: 'Try again' }).click();
    await finance.getByText('verify of 2024q2 waits for a worker.').waitFor();
    await failure.waitFor({ state: 'detached' });
    await finance.goto(`${house.url}/console/health?actor=fiona`);
    await finance
      .getByRole('row', { name: /fiona.*verify 2024q2/ })
      .first()
      .waitFor();
  });

  it('has a drop that failed asked for on the page of its quarter, which wants the name', async () => {
    const page = await browser.open();
    const [id, at] = ['00000001-aaaa-8bbb-8ccc-0123456789ab', '2026-11-26T08:00:00Z'];
    const error = { kind: 'refused', code: 'archive_damaged', detail: 'The archive is damaged.' };
    const told = await operation();
    await page.route('**/v1/operation', async (route) => {
      const failures = [{ id, name: 'drop', quarter: '2024q2', failed_at: at, ...error, kind: undefined }];
      await route.fulfill({ json: { ...told, failures } });
    });
    await page.route('**/v1/jobs?*', async (route) => {
      const none = { until: null, into: null, progress: null, report: null, started_at: at };
      const asked = { quarter: '2024q2', verb: 'drop', actor: 'fay', reason: 'old', requested_at: at };
      const job = { id, ...asked, ...none, state: 'failed', error, updated_at: at, finished_at: at };
      await route.fulfill({ json: { jobs: [job] } });
    });
    await signIn(page, `${house.url}/console/health`, await house.key('fay', ['finance']));
    const failure = page.locator('.failures li', { hasText: 'drop of 2024q2' });
    await failure.waitFor();
    expect(await failure.getByRole('button').count()).toBe(0);
    await shoot(page, 'health-drop');
    await expectAccessible(page);
    await failure.getByRole('link', { name: 'Go to 2024q2 to drop it again' }).click();
    await page.waitForURL('**/console/quarters/2024q2');
    await page.getByText('with the name of the quarter').waitFor();
    expect(await page.getByRole('button', { name: 'Try drop again' }).count()).toBe(0);
    await page.close();
  });

  it('says what was refused in the dialog, and leaves it open', async () => {
    await admin.goto(`${house.url}/console/health`);
    await admin.getByRole('button', { name: 'Run now: reindex' }).waitFor();
    await admin.route('**/v1/queues/reindex/run', (route) =>
      route.fulfill({
        status: 409,
        contentType: 'application/problem+json',
        body: JSON.stringify({ status: 409, code: 'job_overtaken', title: 'Conflict', detail: 'Overtaken.' }),
      }),
    );
    await admin.getByRole('button', { name: 'Run now: reindex' }).click();
    const dialog = admin.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Run now' }).click();
    await dialog.getByRole('alert').getByText('Overtaken.').waitFor();
    await dialog.getByRole('button', { name: 'Leave it' }).click();
    await dialog.waitFor({ state: 'detached' });
  });

  it('shows what it knows when a part could not be read, and says which', async () => {
    const page = await browser.open();
    const told = await operation();
    await page.route('**/v1/operation', async (route) => {
      const unknown = [{ part: 'horizon', reason: 'It took longer than 2 seconds.' }];
      await route.fulfill({ json: { ...told, horizon: null, unknown } });
    });
    await signIn(page, `${house.url}/console/health`, await house.key('rita', ['reader']));
    await page.getByText('horizon could not be read: It took longer than 2 seconds.').waitFor();
    await page.getByText('Not known now: horizon').waitFor();
    await page.getByRole('row', { name: /refresh-summaries/ }).waitFor();
    await page.close();
  });

  it('keeps what was last known when the server does not answer, and says so', async () => {
    const page = await browser.open();
    await signIn(page, `${house.url}/console/health`, await house.key('rolf', ['reader']));
    await page.locator('.verdict').waitFor();
    await page.route('**/v1/operation', (route) => route.abort());
    await page.getByRole('alert').getByText('The server did not answer').waitFor();
    await page.getByText('Below is what was last known').waitFor();
    await page.getByRole('row', { name: /refresh-summaries/ }).waitFor();
    await page.unroute('**/v1/operation');
    await page.getByText('Below is what was last known').waitFor({ state: 'detached' });
    await page.close();
  });

  it('shows alerts with what they say, and takes only runbooks and addresses of the web for links', async () => {
    const page = await browser.open();
    const alert = {
      state: 'firing',
      severity: 'critical',
      since: '2026-11-26T08:00:00Z',
      summary: 'Down for 5 min',
    };
    const told = await operation();
    await page.route('**/v1/operation', async (route) => {
      const items = [
        { ...alert, name: 'QuartermasterDown', runbook: 'https://runbooks.example/down' },
        {
          ...alert,
          name: 'QuartermasterHorizonLow',
          severity: 'warning',
          runbook: 'docs/runbooks/horizon.md',
        },
        { ...alert, name: 'QuartermasterOdd', severity: 'warning', runbook: 'javascript:alert(1)' },
      ];
      await route.fulfill({ json: { ...told, alerts: { asked_at: alert.since, error: null, items } } });
    });
    await signIn(page, `${house.url}/console/health`, await house.key('rosa', ['reader']));
    const alerts = page.getByRole('region', { name: 'Alerts' });
    await alerts.getByRole('row', { name: /QuartermasterDown.*Down for 5 min/ }).waitFor();
    expect(
      await alerts.getByRole('link').evaluateAll((links) => links.map((link) => link.getAttribute('href'))),
    ).toEqual(['https://runbooks.example/down', '/console/runbooks/horizon']);
    // It opens beside the page, which stays where it is.
    const opened = page.context().waitForEvent('page');
    await alerts.getByRole('link').nth(1).click();
    const runbook = await opened;
    await runbook.getByText('# The horizon comes near').waitFor();
    await shoot(runbook, 'runbook');
    await runbook.close();
    expect(await sentence(page).innerText()).toMatch(/^Somebody has to act now: .*QuartermasterDown/);
    await expectAccessible(page);
    await page.close();
  });

  it('tells who may see some ledgers only that this is about all of them', async () => {
    const page = await browser.open();
    await signIn(page, `${house.url}/console/health`, await house.key('sam', ['reader'], ['sakura']));
    await page.getByText('your key is for some of them only').waitFor();
    await expectAccessible(page);
    await shoot(page, 'health-some-ledgers');
    await page.getByRole('main').getByRole('link', { name: 'Ledger' }).click();
    await page.waitForURL('**/ledger/sakura/transactions');
    await page.close();
  });

  it('fits a telephone and a wall, in light and dark', async () => {
    for (const [name, width] of Object.entries(widths)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await admin.setViewportSize({ width, height: 900 });
        await admin.emulateMedia({ colorScheme });
        await admin.goto(`${house.url}/console/health`);
        await admin.locator('.verdict').waitFor();
        await admin.getByRole('region', { name: 'Events' }).waitFor();
        await expectFits(admin);
        await expectAccessible(admin);
        await shoot(admin, `health-${name}-${colorScheme}`);
      }
    }
    expect(faults.filter((fault) => !/ERR_FAILED/.test(fault))).toEqual([]);
  });
});
