import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import type { App } from '../../src/http/app-type.ts';
import type { Book } from '../ledger/fixture.ts';
import { inject, openHouse, payment, post } from './house.ts';

let book: Book;
let app: App;

beforeAll(async () => {
  const opened = await openHouse();
  book = opened.book;
  app = createApp(opened.house);
});
afterAll(async () => {
  await app.close();
  await book.close();
});

it('tells what reversed a transaction, from then on and there alone', async () => {
  const path = '/v1/ledgers/main/transactions';
  const made = (await post(app, payment)).json();
  const read = async (id: string) => (await inject(app, { method: 'GET', url: `${path}/${id}` })).json();
  expect(await read(made.id)).toEqual(made);
  const asked = await inject(app, { method: 'POST', url: `${path}/${made.id}/reverse` });
  expect(asked.statusCode).toBe(201);
  const reversal = asked.json();
  expect(await read(made.id)).toEqual({ ...made, reversed_by: reversal.id });
  expect(await read(reversal.id)).toEqual(reversal);
});
