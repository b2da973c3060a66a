import { describe, expect, it } from 'vitest';
import { faults, hasBrowser, shoot, useBrowser } from './browser.ts';
import { useConsoleHouse } from './house.ts';
import { hasFocus, lookedAt, openDialog, quartersIn, somebody, visit } from './quarters-person.ts';

const settings = { QM_ARCHIVE_APPROVAL: 'required', QM_CLOSE_AFTER_DAYS: '366', QM_ONLINE_QUARTERS: '4000' };

describe.skipIf(!hasBrowser)('what is done to a quarter, and what is refused', { timeout: 120_000 }, () => {
  const browser = useBrowser();
  const house = useConsoleHouse(settings);

  /** Somebody else does something at the same time, with a key of theirs. */
  async function meanwhile(name: string, quarter: string, verb: string, body: object = {}): Promise<number> {
    const key = await house.key(name, ['finance']);
    const answer = await fetch(`${house.url}/v1/quarters/${quarter}/${verb}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return answer.status;
  }

  it('shows what stands in the way of a close before the click, with the way out of it', async () => {
    const [first = '', second = ''] = await quartersIn(house, 'open');
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    await visit(finn, house, second);
    const dialog = await openDialog(finn, 'Close');
    await dialog.getByText('this cannot be done now').waitFor();
    await dialog.getByText(`Quarters close in order, and ${first}`).waitFor();
    expect(await dialog.getByRole('button', { name: `Close ${second}` }).isDisabled()).toBe(true);
    await shoot(page, 'quarter-close-obstacle');
    await dialog.getByRole('link', { name: `Go to ${first}` }).click();
    await page.getByRole('heading', { level: 1, name: first }).waitFor();
    expect(await page.locator('dialog[open]').count()).toBe(0);

    // The current one has not ended: there is no button, and it says why.
    const current = (
      await house.database.write
        .selectFrom('quartermaster.quarters')
        .select('quarter')
        .where('starts_at', '<=', new Date())
        .where('ends_at', '>', new Date())
        .executeTakeFirstOrThrow()
    ).quarter;
    await visit(finn, house, current);
    const panel = page.getByRole('region', { name: 'What can be done now' });
    expect(await panel.getByRole('button', { name: 'Close …' }).count()).toBe(0);
    await panel.getByText(/^Not now/).click();
    await panel.getByText(/^It has not ended: it can be closed after the end of/).waitFor();
  });

  it('waits for summaries that are outstanding, and says so before and after the click', async () => {
    const [quarter = ''] = await quartersIn(house, 'open');
    const { write } = house.database;
    const { starts_at } = await write
      .selectFrom('quartermaster.quarters')
      .select('starts_at')
      .where('quarter', '=', quarter)
      .executeTakeFirstOrThrow();
    const day = starts_at.toISOString().slice(0, 10);
    await write.insertInto('quartermaster.summary_marks').values({ ledger_id: 1, day }).execute();
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    // The mark stays while somebody holds it: the worker that sums up cannot take it away.
    await write.transaction().execute(async (trx) => {
      await trx
        .selectFrom('quartermaster.summary_marks')
        .select('day')
        .where('day', '=', day)
        .forUpdate()
        .execute();
      await visit(finn, house, quarter);
      const dialog = await openDialog(finn, 'Close');
      await dialog.getByText('It cannot begin yet, and that passes by itself.').waitFor();
      await dialog.getByText(`The summaries of 1 days of ${quarter} are not up to date`).waitFor();
      await shoot(page, 'quarter-close-waits');
      await dialog.getByRole('button', { name: `Close ${quarter}` }).click();
      await dialog.getByText('is tried again by itself').waitFor();
      await dialog.getByText('summaries_outstanding').waitFor();
      await dialog.getByRole('button', { name: 'Back to the quarter' }).click();
    });
    await write.deleteFrom('quartermaster.summary_marks').where('day', '=', day).execute();
    // It is closed by itself then.
    await page.getByText('Its books are closed').waitFor({ timeout: 60_000 });
  });

  it('wants a reason where one is due, and tells what a reopen brings with it', async () => {
    const closed = await quartersIn(house, 'closed');
    const [before = '', last = ''] = closed.slice(-2);
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    await visit(finn, house, before);
    const dialog = await openDialog(finn, 'Reopen');
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.postData()?.includes('dry_run') !== true)
        asked.push(request.url());
    });
    await dialog.getByRole('button', { name: `Reopen ${before}` }).click();
    await dialog.getByText('Say why: the story of the quarter keeps it.').waitFor();
    expect(await hasFocus(dialog.getByLabel('Why'))).toBe(true);
    expect(asked).toEqual([]);
    await dialog.getByLabel('Why').fill('invoice 4711 was not booked');
    // However often somebody clicks, it is asked for once.
    await dialog.getByRole('button', { name: `Reopen ${before}` }).dblclick();
    await dialog.getByText(/is open again|A worker does it/).waitFor();
    expect(asked).toHaveLength(1);
    await dialog.getByRole('button', { name: 'Back to the quarter' }).click();

    // The later one is stale, and is the matter of the first page until it is closed again.
    await page.goto(`${house.url}/console`);
    const needs = page.getByRole('region', { name: 'What needs somebody today' });
    await needs.getByText('Its close does not count any more').first().waitFor();
    await shoot(page, 'quarters-stale');
    for (const [quarter, label] of [
      [before, 'Close'],
      [last, 'Close again'],
    ] as const) {
      await visit(finn, house, quarter);
      const close = await openDialog(finn, label);
      await close.getByRole('button', { name: `${label} ${quarter}` }).click();
      await close.getByText('Done.').waitFor();
    }
  });

  it('shows a refusal of the server as it is, when something changed since the dry run', async () => {
    const [quarter = ''] = await quartersIn(house, 'open');
    const last = (await quartersIn(house, 'closed')).at(-1) ?? '';
    const finn = await somebody(browser, house, 'finn');
    await visit(finn, house, quarter);
    const dialog = await openDialog(finn, 'Close');
    expect(await meanwhile('gwen', last, 'reopen', { reason: 'late invoice' })).toBeLessThan(300);
    // A worker may do it: then it takes a moment.
    await expect
      .poll(async () => (await quartersIn(house, 'open')).includes(last), { timeout: 30_000 })
      .toBe(true);
    await dialog.getByRole('button', { name: `Close ${quarter}` }).click();
    await dialog.getByRole('alert').getByText('earlier_quarter_open').waitFor();
    await shoot(finn.page, 'quarter-close-refused');
    await finn.page.keyboard.press('Escape');
    expect(await meanwhile('gwen', last, 'close')).toBeLessThan(300);
  });

  it('holds a quarter and lets it go, and says what for', async () => {
    const [quarter = ''] = await quartersIn(house, 'closed');
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    await visit(finn, house, quarter);
    let dialog = await openDialog(finn, 'Hold');
    await dialog.getByText(`Hold ${quarter} for the reason you give`).waitFor();
    await dialog.getByLabel('Why').fill('court order 17');
    await dialog.getByRole('button', { name: `Hold ${quarter}` }).click();
    await dialog.getByText(`${quarter} is held`).waitFor();
    await dialog.getByRole('button', { name: 'Back to the quarter' }).click();
    await page.getByText('court order 17. Nothing takes it out').waitFor();
    dialog = await openDialog(finn, 'End the hold');
    await dialog.getByRole('button', { name: `End the hold ${quarter}` }).click();
    await dialog.getByText(`The hold of ${quarter} is ended.`).waitFor();
    await dialog.getByRole('button', { name: 'Back to the quarter' }).click();
    await page
      .getByRole('region', { name: 'Its story' })
      .getByText('it was held for: court order 17')
      .waitFor();
  });

  it('creates the next quarter ahead of its time', async () => {
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    const button = page.getByRole('button', { name: /^Create \d{4}q\d …$/ });
    const name = /\d{4}q\d/.exec((await button.textContent()) ?? '')?.[0] ?? '';
    await button.click();
    const dialog = await lookedAt(page);
    await dialog.getByRole('button', { name: `Create ${name}`, exact: true }).click();
    await dialog
      .getByText(/takes transactions|Done\./)
      .last()
      .waitFor();
    await dialog.getByRole('button', { name: 'Back to the quarter' }).click();
    await page.getByRole('link', { name, exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('shows how far a job is, how quickly it goes and for how long yet', async () => {
    const [quarter = ''] = await quartersIn(house, 'closed');
    const finn = await somebody(browser, house, 'finn');
    const { page } = finn;
    const { write } = house.database;
    const id = '11111111-2222-4333-8444-555555555555';
    const started = new Date(Date.now() - 60_000);
    const facts = { what: `copy ${quarter}, in rows`, total: 1_000_000n, state: 'running' as const };
    await write
      .insertInto('quartermaster.quarter_jobs')
      .values({
        ...facts,
        ...{ id, quarter, verb: 'archive', actor: 'finn', reason: 'quarter end', done: 100_000n },
        ...{ requested_at: started, started_at: started, updated_at: started },
      })
      .execute();
    await visit(finn, house, quarter);
    const jobs = page.getByRole('region', { name: 'What the workers do' });
    await jobs.getByText('100,000 of 1,000,000 rows').waitFor();
    await write
      .updateTable('quartermaster.quarter_jobs')
      .set({ done: 400_000n, updated_at: new Date(started.getTime() + 30_000) })
      .where('id', '=', id)
      .execute();
    await jobs.getByText('10,000 rows a second, about a minute to go').waitFor();
    expect(await jobs.getByRole('progressbar', { name: 'Progress of archive' }).getAttribute('value')).toBe(
      '400000',
    );
    await shoot(page, 'quarter-job-running');
    await write.deleteFrom('quartermaster.quarter_jobs').where('id', '=', id).execute();
    expect(faults).toEqual([]);
  });
});
