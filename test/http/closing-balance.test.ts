import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dayAfter } from '../../src/core/days.ts';
import { createApp, inject, openHouse, payment, post, problemIn } from './house.ts';

let open: Awaited<ReturnType<typeof openHouse>>;
let app: ReturnType<typeof createApp>;
beforeAll(async () => {
  open = await openHouse();
  app = createApp(open.house);
});
afterAll(() => open.book.close());

const balance = (query: string) =>
  inject(app, { url: `/v1/ledgers/main/accounts/bob:WALLET/balance?${query}` });

describe('the balance at the end of a day', () => {
  it('is there at once, before anything is summed up, and as it is stored afterwards', async () => {
    const posted = (await post(app, payment)).json();
    const today = open.book.calendar.dayOf(new Date(posted.created_at));
    const tomorrow = dayAfter(today);
    expect((await balance(`day=${today}`)).json()).toMatchObject({
      account: 'bob:WALLET',
      currency: 'EUR',
      posted: '1250',
      day: today,
    });
    expect((await balance(`day=${tomorrow}`)).json()).toMatchObject({ posted: '1250', day: tomorrow });
    expect((await balance('day=2001-01-01')).json()).toMatchObject({ posted: '0' });
    // What is stored counts as soon as no day is marked.
    await sql`DELETE FROM quartermaster.summary_marks`.execute(open.book.db);
    await sql`INSERT INTO ledger.daily_balances (ledger_id, account_id, snapshot_date, closing_balance)
              SELECT ledger_id, id, ${today}::date, 77 FROM ledger.accounts WHERE entity_id = 'bob'`.execute(
      open.book.db,
    );
    expect((await balance(`day=${tomorrow}`)).json()).toMatchObject({ posted: '77' });
  });

  it('is of an account there is, and in one currency', async () => {
    const response = await inject(app, {
      url: '/v1/ledgers/main/accounts/carol:WALLET/balance?day=2024-01-01',
    });
    problemIn(response, 404, 'account_not_found');
  });
});
