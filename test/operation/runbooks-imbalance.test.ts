import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { openHouse, payment, post } from '../http/house.ts';
import type { Book } from '../ledger/fixture.ts';
import { blocksOf } from '../support/runbook.ts';

const page = join(import.meta.dirname, '..', '..', 'docs', 'runbooks', 'ledger-imbalance.md');
const [strays = '', held = ''] = blocksOf(readFileSync(page, 'utf8'))
  .filter(({ language }) => language === 'sql')
  .map(({ text }) => text);

let book: Book;

beforeAll(async () => {
  const opened = await openHouse();
  book = opened.book;
  const app = createApp(opened.house);
  for (let i = 0; i < 3; i++) expect((await post(app, payment)).statusCode).toBe(201);
  await book.open({ address: 'never:WALLET', currency: 'EUR', minBalance: 0n });
});
afterAll(() => book.close());

const ask = async (text: string) =>
  (await sql.raw<{ account: string }>(text.replace(/;\s*$/, '')).execute(book.db)).rows.map(
    ({ account }) => account,
  );
const change = (what: string, where: string) =>
  sql
    .raw(
      `UPDATE ledger.balances SET ${what} WHERE account_id = (
         SELECT id FROM ledger.accounts WHERE entity_id || ':' || group_type = '${where}')`,
    )
    .execute(book.db);

it('the statements find every balance that is off, be there an entry or none, and no other', async () => {
  expect([await ask(strays), await ask(held)]).toEqual([[], []]);
  await change('posted = 5', 'never:WALLET');
  expect(await ask(strays)).toEqual(['never:WALLET']);
  const { rows } = await sql<{ account: string; quarter: string }>`
    SELECT a.entity_id || ':' || a.group_type AS account, q.quarter
    FROM ledger.balances AS b
    JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
    JOIN quartermaster.quarters AS q ON b.last_entry_at >= q.starts_at AND b.last_entry_at < q.ends_at
    ORDER BY 1 LIMIT 1`.execute(book.db);
  const { account = '', quarter = '' } = rows[0] ?? {};
  await change('posted = posted + 1', account);
  expect((await ask(strays)).sort()).toEqual([account, 'never:WALLET'].sort());
  await change('posted = posted - 1', account);

  await change('pending_out = 7', 'never:WALLET');
  expect(await ask(held)).toEqual(['never:WALLET']);

  // With its quarter the entries leave; that is no fault.
  const leave = (state: string) =>
    sql`UPDATE quartermaster.quarters SET state = ${state} WHERE quarter = ${quarter}`.execute(book.db);
  await sql.raw(`ALTER TABLE ledger.entries DETACH PARTITION ledger.entries_${quarter}`).execute(book.db);
  expect((await ask(strays)).length).toBeGreaterThan(1);
  await leave('detached');
  expect(await ask(strays)).toEqual(['never:WALLET']);
});
