import { spawn } from 'node:child_process';
import { join } from 'node:path';
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

const root = join(import.meta.dirname, '..', '..');

/** Minor units of a currency with two decimals, as the page writes them. */
function written(minor: string, signed = false): string {
  const below = minor.startsWith('-');
  const digits = (below ? minor.slice(1) : minor).padStart(3, '0');
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${below ? '−' : signed && minor !== '0' ? '+' : ''}${whole}.${digits.slice(-2)}`;
}

describe.skipIf(!hasBrowser)('one transaction and one account', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();
  let page: Page;
  let writer: string;

  beforeAll(async () => {
    writer = await house.key('wilma', ['writer']);
    page = await browser.open({ permissions: ['clipboard-read', 'clipboard-write'] });
    await signIn(page, `${house.url}/console/ledger`, await house.key('rita', ['reader']));
  });

  async function api<T>(path: string, body?: object): Promise<T> {
    const answer = await fetch(`${house.url}/v1/ledgers/northwind/${path}`, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: {
        authorization: `Bearer ${writer}`,
        ...(body && { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }),
      },
    });
    const told = await answer.json();
    expect(answer.ok, JSON.stringify(told)).toBe(true);
    return told as T;
  }

  const open = (path: string) => page.goto(`${house.url}/console/ledger/northwind/${path}`);
  const fact = (name: string) => page.locator(`.facts dt:text-is("${name}") + dd`);

  it('shows a transaction with its entries as they were booked', async () => {
    const { rows } = await sql<{ id: string; reference: string; at: Date }>`
      SELECT t.id, t.reference_code AS reference, t.created_at AS at FROM ledger.transactions AS t
      JOIN ledger.ledgers AS l ON l.id = t.ledger_id
      WHERE l.name = 'northwind' AND t.reference_code LIKE 'PAY-%' AND t.status = 'SUCCESS'
      ORDER BY t.created_at DESC LIMIT 1`.execute(house.database.write);
    const [one] = rows;
    const entries = await sql<{ account: string; amount: string; balance: string }>`
      SELECT a.entity_id || ':' || a.group_type AS account, e.amount::text, e.balance_after::text AS balance
      FROM ledger.entries AS e JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
      WHERE e.transaction_id = ${one?.id}`.execute(house.database.write);
    await open(`transactions?reference_prefix=${one?.reference}`);
    await page.getByRole('link', { name: one?.reference ?? '' }).click();
    await page.getByRole('heading', { name: `Transaction ${one?.reference}` }).waitFor();
    await page.getByText('Entries').first().waitFor();
    const cells = await page
      .locator('table tbody tr')
      .evaluateAll((found) =>
        found.map((row) =>
          [...(row as unknown as { cells: { innerText: string }[] }).cells].map((cell) =>
            cell.innerText.trim(),
          ),
        ),
      );
    const told = cells.map(([account, amount, balance]) => `${account} ${amount} ${balance}`);
    expect(told.toSorted()).toEqual(
      entries.rows
        .map((row) => `${row.account} ${written(row.amount, true)} ${written(row.balance)}`)
        .toSorted(),
    );
    expect((await page.locator('tfoot .amount').innerText()).trim()).toBe('0.00');
    expect(await fact('Booked').innerText()).toContain('UTC');
    expect(await fact('Quarter').innerText()).toBe('2026q4');

    await page.getByRole('button', { name: 'Copy id' }).click();
    await page.getByText('Copied.').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(one?.id);
    await expectAccessible(page);
    await shoot(page, 'ledger-transaction');
  });

  it('leads from a reservation to what settled it, and from a reversal to what it reverses', async () => {
    const metadata = { channel: 'app', basket: { lines: [1, 2], gift: true } };
    const posting = { from: 'treasury:BANK', to: 'user-1:WALLET', amount: '123456', currency: 'EUR' };
    const held = await api<{ id: string }>('transactions', {
      ...{ status: 'PENDING', postings: [posting], reference_code: 'HOLD-1', metadata },
      user_id: 'user-1',
    });
    await open('transactions?status=PENDING&reference_prefix=HOLD-1');
    await page.getByRole('link', { name: 'HOLD-1' }).click();
    await page.getByRole('heading', { name: 'Reservation HOLD-1' }).waitFor();
    await page.getByRole('heading', { name: 'What it holds' }).waitFor();
    await page.getByText('"gift": true').waitFor();
    expect(await page.locator('.headline').innerText()).toContain('1,234.56');

    const settled = await api<{ id: string }>(`transactions/${held.id}/settle`, {});
    await page.reload();
    await page.getByRole('heading', { name: 'What it held' }).waitFor();
    await fact('Settled by').getByRole('link').click();
    await page.waitForURL(`**/transactions/${settled.id}`);
    expect(await fact('Settles the reservation').innerText()).toBe(held.id);

    const reversal = await api<{ id: string }>(`transactions/${settled.id}/reverse`, {});
    await open(`transactions/${reversal.id}`);
    expect(await fact('Reverses').innerText()).toBe(settled.id);
    await fact('Reverses').getByRole('link').click();
    await page.waitForURL(`**/transactions/${settled.id}`);
    await fact('Reversed by').getByRole('link').click();
    await page.waitForURL(`**/transactions/${reversal.id}`);
  });

  it('tells of an archived transaction what the archive says, and how its entries are read', async () => {
    await open('transactions?quarter=2024q3&reference_prefix=TOP');
    await page.locator('.stack tbody .what a').first().click();
    await page.getByText('Read from the archive of').waitFor();
    expect(await fact('Quarter').innerText()).toBe('2024q3');
    await shoot(page, 'ledger-transaction-archived');
    await page.getByRole('button', { name: 'Copy command' }).click();
    await page.getByText('Copied.').waitFor();
    const command = String(await page.evaluate('navigator.clipboard.readText()'));
    const output = await runShell(
      command.replace(/^quartermaster/, './bin/quartermaster'),
      house.environment,
    );
    // Both sides of the top-up, by the names of the accounts.
    expect(output).toContain('treasury:BANK');
    expect(output).toMatch(/user-\d+:WALLET/);
  });

  it('says of an id that is none what is wrong with it', async () => {
    await open('transactions/018f0000-0000-7000-8000-000000000000');
    await page.getByRole('alert').getByText('has no transaction').waitFor();
    await open('transactions/x');
    await page.getByRole('alert').waitFor();
    await expectAccessible(page);
  });

  it('finds accounts by owner, phone and id, and by an address at once', async () => {
    const made = await api<{ id: string }>('accounts', {
      ...{ account: 'phone-owner:WALLET', currency: 'EUR', name: 'Ada' },
      phones: [{ country_code: '+49', phone_number: '15112345678' }],
    });
    await open('accounts');
    await page.getByLabel('Owner').fill('user-1');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('3 accounts').waitFor();
    await shoot(page, 'ledger-accounts');
    await expectAccessible(page);

    await page.getByLabel('Look by').selectOption('Phone');
    await page.getByLabel('Phone').fill('0049 (151) 123-45678');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.waitForURL('**/accounts?phone=%2B4915112345678');
    await page.getByRole('link', { name: 'phone-owner:WALLET' }).waitFor();

    await page.getByLabel('Look by').selectOption('Id');
    await page.getByRole('textbox', { name: 'Id' }).fill(made.id);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.waitForURL(`**/accounts?id=${made.id}`);
    await page.getByText('Ada').waitFor();

    await page.getByRole('textbox', { name: 'Id' }).fill('x');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('Must be ids with commas between them').waitFor();

    await open('accounts?entity_id=nobody');
    await page.getByRole('heading', { name: 'No account found' }).waitFor();
    await page.getByLabel('Owner').fill('user-2:WALLET');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('heading', { name: 'In which currency?' }).waitFor();
    await page.getByRole('row', { name: /GBP/ }).getByRole('link').click();
    await page.getByRole('heading', { name: 'user-2:WALLET GBP' }).waitFor();
  });

  it("shows an account's balances and its whole statement, newest first", async () => {
    const lines = await sql<{ amount: string; balance: string }>`
      SELECT e.amount::text, e.balance_after::text AS balance FROM ledger.entries AS e
      JOIN ledger.ledgers AS l ON l.id = e.ledger_id
      JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
      WHERE l.name = 'northwind' AND a.entity_id = 'platform' AND a.currency = 'EUR'
      ORDER BY e.created_at DESC, e.version DESC`.execute(house.database.write);
    await open('accounts/platform:COMMISSION?currency=EUR');
    const rows = page.getByRole('region', { name: 'Statement' }).locator('tbody tr');
    await rows.first().waitFor();
    expect(await page.locator('.figures .large').innerText()).toBe(
      `${written(lines.rows[0]?.balance ?? '')} EUR`,
    );
    expect(await page.locator('.balance-line path').getAttribute('d')).toMatch(/^M0 [\d.]+(H[\d.]+V[\d.]+)+/);
    await page.getByText('Not in these lines, for they are archived').waitFor();
    await shoot(page, 'ledger-account');

    const told: string[] = [];
    for (;;) {
      const cells = await rows.evaluateAll((found) =>
        found.map((row) =>
          [...(row as unknown as { cells: { innerText: string }[] }).cells].map((cell) =>
            cell.innerText.trim(),
          ),
        ),
      );
      told.push(...cells.map(([, , , amount, balance]) => `${amount} ${balance}`));
      const older = page.getByRole('link', { name: 'Older' });
      if (!(await older.isVisible())) break;
      const before = page.url();
      await older.click();
      await page.waitForURL((url) => url.href !== before);
      await page.locator('section[aria-label="Statement"][aria-busy="false"]').waitFor();
      await rows.first().waitFor();
    }
    expect(told).toEqual(
      lines.rows.map(({ amount, balance }) => `${written(amount, true)} ${written(balance)}`),
    );
  });

  it('tells the balance at the end of a day, archived ones too', async () => {
    const known = await sql<{ day: string; balance: string }>`
      SELECT to_char(d.snapshot_date, 'YYYY-MM-DD') AS day, d.closing_balance::text AS balance
      FROM ledger.daily_balances AS d JOIN ledger.ledgers AS l ON l.id = d.ledger_id
      JOIN ledger.accounts AS a ON a.ledger_id = d.ledger_id AND a.id = d.account_id
      WHERE l.name = 'northwind' AND a.entity_id = 'platform' AND a.currency = 'EUR' AND d.snapshot_date < '2024-07-01'
      ORDER BY d.snapshot_date DESC LIMIT 1`.execute(house.database.write);
    const [day] = known.rows;
    await open('accounts/platform:COMMISSION?currency=EUR');
    await page.getByLabel('Balance at the end of').fill(day?.day ?? '');
    await page.getByRole('form', { name: 'Balance of a day' }).getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(`**day=${day?.day}`);
    await page.locator('.closing strong', { hasText: `${written(day?.balance ?? '')} EUR` }).waitFor();

    await page.getByLabel('From', { exact: true }).fill('2026-07-01');
    await page.getByLabel('To the end of').fill('2026-06-01');
    await page
      .getByRole('form', { name: 'Days of the statement' })
      .getByRole('button', { name: 'Show' })
      .click();
    await page.getByText('Must not be before from').waitFor();
  });

  it('fits a telephone and a wall, in light and dark', async () => {
    const { rows } = await sql<{ id: string }>`
      SELECT t.id FROM ledger.transactions AS t JOIN ledger.ledgers AS l ON l.id = t.ledger_id
      WHERE l.name = 'northwind' AND t.status = 'SUCCESS' ORDER BY t.created_at DESC LIMIT 1`.execute(
      house.database.write,
    );
    for (const [name, width] of Object.entries(widths)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        await open(`transactions/${rows[0]?.id}`);
        await page.getByRole('heading', { name: 'Entries' }).waitFor();
        await expectFits(page);
        await expectAccessible(page);
        await shoot(page, `ledger-transaction-${name}-${colorScheme}`);
        await open('accounts/user-1:WALLET?currency=EUR&day=2025-12-31');
        await page.locator('.balance-line svg').waitFor();
        await page.locator('.closing strong').waitFor();
        await expectFits(page);
        await expectAccessible(page);
        await shoot(page, `ledger-account-${name}-${colorScheme}`);
      }
    }
    expect(faults).toEqual([]);
  });
});

/** What somebody gets who pastes the command into a shell. */
async function runShell(command: string, environment: Record<string, string>): Promise<string> {
  const child = spawn('bash', ['-c', command], { cwd: root, env: { ...process.env, ...environment } });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code, errors).toBe(0);
  return output;
}
