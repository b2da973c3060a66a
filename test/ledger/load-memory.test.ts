import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { load } from '../../src/ledger/load.ts';
import { type Book, openBook } from './fixture.ts';
import { HEADER, houseOf } from './load-fixture.ts';

const ROWS = 300_000;

let book: Book;
beforeAll(async () => {
  book = await openBook();
});
afterAll(() => book.close());

it('a load of 300,000 rows lives in the memory of a few batches', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const liveMegabytes = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / 1e6;
  };
  let bytes = 0;
  let taken = 0;
  // FAILED rows are read and written like others and leave no entries, which makes this half as long.
  function* chunks(): Generator<Buffer> {
    yield Buffer.from(`${HEADER}\n`);
    for (let index = 0; index < ROWS; index += 500) {
      const rows = Array.from({ length: 500 }, (_, n) => {
        const at = new Date(Date.UTC(2026, 0, 1) + (index + n) * 30_000).toISOString();
        return `${at},m-a:CASH,m-b:CASH,1.00,EUR,user-${n},FAILED,,${'a long description '.repeat(12)}${index + n},`;
      });
      taken += 500;
      const chunk = Buffer.from(`${rows.join('\n')}\n`);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const live: number[] = [];
  let ahead = 0;
  const report = await load(houseOf(book), {
    ledger: 'main',
    source: { stream: Readable.from(chunks(), { objectMode: true, highWaterMark: 1 }) },
    id: 'memory',
    amounts: 'decimal',
    createAccounts: { allowNegative: '*' },
    onProgress: ({ records }) => {
      ahead = Math.max(ahead, taken - records);
      if (records % 50_000 < 4000) live.push(liveMegabytes());
    },
  });
  expect(report.booked).toBe(ROWS);
  // Three batches of 4000 rows and a few chunks, not what a quick source could give meanwhile.
  expect(ahead).toBeLessThan(20_000);
  const [first = 0] = live;
  expect(live.length).toBeGreaterThan(4);
  // All rows as text alone are more than five times as much.
  expect(bytes / 1e6).toBeGreaterThan(5 * 15);
  expect(Math.max(...live) - first).toBeLessThan(15);
});
