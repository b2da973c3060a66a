import { QuartermasterError } from './error.ts';

/**
 * A list that is read page by page, as it is needed: one page at a time is held, and none is asked for after whoever reads
 * has had enough. Each loop over it begins anew.
 *
 * ```ts
 * for await (const transaction of api.transactions.list('main', { user_id: 'user-1' })) …
 * ```
 */
export interface Paged<Item, Page> extends AsyncIterable<Item> {
  /** The pages themselves, with what a page says besides its items. */
  pages(): AsyncIterableIterator<Page>;
}

interface AnyPage {
  readonly next_cursor: string | null;
}

/**
 * @param read a page, from the beginning where there is no cursor
 * @param itemsOf what a page holds
 */
export function paged<Item, Page extends AnyPage>(
  read: (cursor: string | undefined) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[],
): Paged<Item, Page> {
  async function* pages(): AsyncGenerator<Page, void> {
    let cursor: string | undefined;
    do {
      const page = await read(cursor);
      yield page;
      const next = page.next_cursor ?? undefined;
      // Whoever follows it would read the same page for ever.
      if (next !== undefined && next === cursor) throw new QuartermasterError(goesNowhere);
      cursor = next;
    } while (cursor !== undefined);
  }
  async function* items(): AsyncGenerator<Item, void> {
    for await (const page of pages()) yield* itemsOf(page);
  }
  return { pages, [Symbol.asyncIterator]: items };
}

const goesNowhere = {
  status: 0,
  code: 'no_problem',
  detail: 'The server answered a page that leads to itself. Report it.',
};
