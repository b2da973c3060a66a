import { readFile } from 'node:fs/promises';
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

interface Sum {
  readonly period: string;
  readonly booked: string;
  readonly failed: string;
}

describe.skipIf(!hasBrowser)('charts', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();
  let page: Page;
  const asked: string[] = [];

  beforeAll(async () => {
    page = await browser.open({ permissions: ['clipboard-read', 'clipboard-write'] });
    page.on('request', (request) => asked.push(request.url()));
    await signIn(page, `${house.url}/console/ledger`, await house.key('rita', ['reader']));
    await page.locator('.stack tbody').waitFor();
  });

  const open = (query: string, ledger = 'northwind') =>
    page.goto(`${house.url}/console/ledger/${ledger}/charts${query}`);

  /** The numbers below a chart, as a person reads them who opens them. */
  async function numbers(title: string): Promise<string[][]> {
    const figure = page.locator('figure', { hasText: title });
    await figure.getByText('Numbers', { exact: true }).click();
    const table = figure.getByRole('table', { name: title });
    await table.waitFor();
    return table.locator('tbody tr').evaluateAll((rows) =>
      rows.map((row) =>
        [
          ...(row as unknown as { cells: { innerText: string; firstChild: { textContent: string } }[] })
            .cells,
        ].map(
          // Beside the name of a period stands what there is to know of it.
          (cell) => cell.innerText.split(/\s/)[0] ?? '',
        ),
      ),
    );
  }

  /** The same from the summaries, which hold archived quarters too: nothing is booked while the test runs. */
  async function sums(what: 'count' | 'amount', by: string, currency?: string): Promise<Sum[]> {
    const format = { week: 'IYYY-"W"IW', month: 'YYYY-MM', quarter: 'YYYY"q"Q', day: 'YYYY-MM-DD' }[by] ?? '';
    const value = what === 'count' ? sql`s.transaction_count` : sql`s.total_amount`;
    const { rows } = await sql<Sum>`
      SELECT to_char(s.day, ${format}) AS period,
             coalesce(sum(${value}) FILTER (WHERE s.status = 'SUCCESS'), 0)::text AS booked,
             coalesce(sum(${value}) FILTER (WHERE s.status = 'FAILED'), 0)::text AS failed
      FROM ledger.daily_transaction_summary AS s JOIN ledger.ledgers AS l ON l.id = s.ledger_id
      WHERE l.name = 'northwind' AND s.day BETWEEN '2024-04-01' AND '2026-09-30'
        AND (${currency ?? null}::text IS NULL OR s.currency = ${currency ?? null})
      GROUP BY 1 ORDER BY 1`.execute(house.database.write);
    return rows;
  }

  const withPoint = (minor: string) => {
    const digits = minor.padStart(3, '0');
    return `${digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',')}.${digits.slice(-2)}`;
  };

  it('are drawn by a library that only they fetch', async () => {
    const drawing = () => asked.flatMap((url) => /\/(uplot)[.\w-]*\.(css|js)$/i.exec(url)?.[2] ?? []);
    expect(drawing()).toEqual([]);
    await page.getByRole('link', { name: 'Charts', exact: true }).click();
    await page.locator('.uplot canvas').first().waitFor();
    expect(drawing().toSorted()).toEqual(['css', 'js']);
    expect(faults).toEqual([]);
  });

  it.each(['day', 'week', 'month', 'quarter'])('have by %s the numbers of the summaries', async (by) => {
    // So long a range only in larger periods; archived quarters are in all of them.
    const [from, to] = by === 'day' ? ['2024-12-01', '2025-01-31'] : ['2024-04-01', '2026-09-30'];
    await open(`?from=${from}&to=${to}&group_by=${by}`);
    const counted = (await sums('count', by)).filter(
      ({ period }) => by !== 'day' || (period >= from && period <= to),
    );
    const told = await numbers(`Transactions a ${by}`);
    expect(told.filter(([, booked, failed]) => booked !== '0' || failed !== '0')).toEqual(
      counted.map(({ period, booked, failed }) => [period, booked, failed]),
    );
    const amounts = (await sums('amount', by, 'EUR')).filter(
      ({ period }) => by !== 'day' || (period >= from && period <= to),
    );
    const money = await numbers(`Amount a ${by} in EUR`);
    expect(money.filter(([, booked, failed]) => booked !== '0.00' || failed !== '0.00')).toEqual(
      amounts.map(({ period, booked, failed }) => [period, withPoint(booked), withPoint(failed)]),
    );
  });

  it('mark what is archived, and say so', async () => {
    await open('?from=2024-11-01&to=2025-02-28&group_by=month');
    await page.getByText('Archived, and read from the summaries').waitFor();
    await page.locator('.uplot canvas').first().waitFor();
    await numbers('Transactions a month');
    const names = await page.locator('figure').first().locator('tbody th').allInnerTexts();
    expect(names.map((name) => name.replace(/\s+/g, ' '))).toEqual([
      '2024-11 archived',
      '2024-12 archived',
      '2025-01',
      '2025-02',
    ]);
    await expectAccessible(page);
  });

  it('narrow to a currency and a status', async () => {
    await open('?from=2026-01-01&to=2026-06-30');
    await page.getByLabel('Currency').selectOption('GBP');
    await page.getByLabel('Status').selectOption('Failed');
    // What stands there until it is answered has the same heading.
    const answer = page.waitForResponse(/summaries\/daily\?.*currency=GBP/);
    await page.getByRole('button', { name: 'Show' }).click();
    await (await answer).finished();
    await page.waitForURL('**currency=GBP&status=FAILED');
    await page.getByRole('heading', { name: 'Amount a week in GBP' }).waitFor();
    expect(await page.locator('figure h2').allTextContents()).toEqual([
      'Transactions a week',
      'Amount a week in GBP',
    ]);
    const figure = page.locator('figure').first();
    // It makes room for itself, and moves what is below.
    await figure.locator('.uplot canvas').waitFor();
    await figure.getByText('Numbers', { exact: true }).click();
    await figure.locator('thead th', { hasText: 'Failed' }).waitFor();
    expect(await figure.locator('thead th').allTextContents()).toEqual(['Week', 'Failed']);
  });

  it('give the same numbers as CSV, to be copied and saved', async () => {
    await open('?from=2026-01-01&to=2026-03-31&group_by=month&currency=EUR&status=SUCCESS');
    const told = await numbers('Amount a month in EUR');
    const wanted = `Month,Booked\r\n${told.map(([period, booked]) => `${period},${booked?.replaceAll(',', '')}\r\n`).join('')}`;
    const figure = page.locator('figure', { hasText: 'in EUR' });
    await figure.getByRole('button', { name: 'Copy as CSV' }).click();
    await figure.getByText('Copied.').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(wanted);
    const saving = page.waitForEvent('download');
    await figure.getByRole('link', { name: 'Save as CSV' }).click();
    const file = await saving;
    expect(file.suggestedFilename()).toBe('northwind-EUR-2026-01-01-2026-03-31.csv');
    expect(await readFile(await file.path(), 'utf8')).toBe(wanted);
  });

  it('say the value of what the pointer is at', async () => {
    await open('?from=2026-01-01&to=2026-03-31&group_by=month&currency=EUR&status=SUCCESS');
    const told = await numbers('Transactions a month');
    const over = page.locator('figure').first().locator('.u-over');
    const box = await over.boundingBox();
    await over.hover({ position: { x: (box?.width ?? 0) * 0.5, y: 50 } });
    const said = page.locator('figure').first().locator('.readout');
    await expect.poll(() => said.textContent()).toBe(`${told[1]?.[0]} · Booked ${told[1]?.[1]}`);
  });

  it('refuse a range in words at the field, and say where there is nothing', async () => {
    await open('?from=2026-03-31&to=2026-01-01');
    await page.getByText('Must not be before from').waitFor();
    expect(await page.getByLabel('To the end of').getAttribute('aria-invalid')).toBe('true');
    await open('?from=2000-01-01&to=2026-01-01');
    await page.getByText('Must be within ten years of from').waitFor();
    await open('?from=2001-01-01&to=2001-12-31');
    await page.getByRole('heading', { name: 'Nothing on these days' }).waitFor();
  });

  it('write amounts by the exponent of the currency', async () => {
    await open('?from=2026-01-01&to=2026-03-31&group_by=quarter', 'sakura');
    const [yen] = await numbers('Amount a quarter in JPY');
    expect(yen?.[1]).toMatch(/^[\d,]+$/);
    const [dinar] = await numbers('Amount a quarter in KWD');
    expect(dinar?.[1]).toMatch(/^[\d,]+\.\d{3}$/);
  });

  it('fit a telephone and a wall, follow the window, and can be read in the dark', async () => {
    for (const [name, width] of Object.entries(widths)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        await open('?from=2024-04-01&to=2026-11-26');
        await page.locator('.uplot canvas').nth(3).waitFor();
        await expectFits(page);
        await expectAccessible(page);
        await shoot(page, `ledger-charts-${name}-${colorScheme}`);
      }
    }
    // The canvas is as wide as its box, whatever becomes of the window.
    const wide = () =>
      page
        .locator('.uplot canvas')
        .first()
        .evaluate((canvas) => (canvas as unknown as { clientWidth: number }).clientWidth);
    const before = await wide();
    await page.setViewportSize({ width: 500, height: 900 });
    await expect.poll(wide).toBeLessThan(before);
    await expectFits(page);
    // In another scheme it is drawn in other colours.
    const pixels = () =>
      page
        .locator('.uplot canvas')
        .first()
        .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
    const dark = await pixels();
    await page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(pixels).not.toBe(dark);
    expect(faults).toEqual([]);
  });
});
