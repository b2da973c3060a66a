import { isDeepStrictEqual } from 'node:util';
import { createMix, type List, PAGE, pagedLists, pagesOf, type Want } from './mix.ts';
import { type Cursors, cursorKey, requestOf, type Side } from './requests.ts';
import type { Stage } from './stage.ts';

/** How many wishes to read something both sides fulfil and are compared by. */
const COMPARED = 24;
const MOST_ROWS = 1000;

/** Finds where the pages begin that will be asked for, as somebody does who turns them: once, and not on time. */
export async function findCursors(stage: Stage, origin: string): Promise<Cursors> {
  const found: Record<string, string> = {};
  for (const list of pagedLists(stage.mix)) {
    let cursor: string | undefined;
    let passed = 0;
    for (const page of pagesOf(stage.mix, list)) {
      while (passed < PAGE * (page - 1)) {
        const limit = Math.min(MOST_ROWS, PAGE * (page - 1) - passed);
        cursor = await cursorAfter(stage, origin, list, limit, cursor);
        passed += limit;
      }
      found[cursorKey(list, page)] = cursor as string;
    }
  }
  return found;
}

async function cursorAfter(
  stage: Stage,
  origin: string,
  { user, status }: List,
  limit: number,
  cursor: string | undefined,
): Promise<string> {
  const query = new URLSearchParams({ status, limit: String(limit) });
  if (user !== undefined) query.set('user_id', `user-${user}`);
  if (cursor !== undefined) query.set('cursor', cursor);
  const page = (await get(stage, origin, `/v1/ledgers/${stage.ledger}/transactions?${query}`)) as {
    next_cursor: string | null;
  };
  if (page.next_cursor !== null) return page.next_cursor;
  throw new Error(`The ${status} of ${user ?? 'the ledger'} have fewer pages than there should be.`);
}

/**
 * Asks both sides the same, before anything is posted.
 *
 * @throws Error where they do not say the same: then one of them is not worth measuring
 */
export async function requireSameAnswers(
  stage: Stage,
  origins: Readonly<Record<Side, string>>,
  cursors: Cursors,
): Promise<void> {
  const next = createMix({ ...stage.mix, seed: 0, postings: 'spread' });
  for (let compared = 0; compared < COMPARED; ) {
    const want = next();
    if (want.kind === 'post') continue;
    const said = async (side: Side) => {
      const { path } = requestOf(want, { side, ledger: stage.ledger, key: stage.key, cursors });
      return essenceOf(want, await get(stage, origins[side], path));
    };
    const [ours, before] = [await said('ours'), await said('before')];
    if (!isDeepStrictEqual(ours, before)) {
      const told = [ours, before].map((answer) => JSON.stringify(answer).slice(0, 500)).join('\n');
      throw new Error(`The answers to ${JSON.stringify(want)} differ:\n${told}`);
    }
    compared++;
  }
}

/** What both sides must agree on. Cursors, versions and the instant of reading are each side's own. */
function essenceOf(want: Want, answer: unknown): unknown {
  const body = answer as {
    transactions: { id: string; amount: string }[];
    total: unknown;
    posted: string;
    summaries: unknown;
  };
  switch (want.kind) {
    case 'list':
      return [body.total, body.transactions.map(({ id, amount }) => [id, amount])];
    case 'balance':
      return body.posted;
    default:
      return body.summaries;
  }
}

async function get({ key }: Stage, origin: string, path: string): Promise<unknown> {
  const response = await fetch(origin + path, { headers: { authorization: `Bearer ${key}` } });
  if (response.ok) return response.json();
  throw new Error(`${path} was answered with ${response.status}: ${await response.text()}`);
}
