/**
 * The writers of `bench:maintenance`, in a process of their own: small batches through the posting code of the API, at times
 * set beforehand. However long one is kept waiting, the others stay due, and their time counts from when they were due.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../src/core/errors.ts';
import { calendar } from '../src/core/quarter.ts';
import { openDatabase } from '../src/db/database.ts';
import { createAccountCache } from '../src/ledger/accounts.ts';
import { requireLedger } from '../src/ledger/ledgers.ts';
import { createPoster } from '../src/ledger/post.ts';
import { createPairs, createRandom } from './distributions.ts';
import { percentile } from './figures.ts';

/** What the parent asks for: begin, and end when no further batch is due. */
export type WriterOrder = { readonly begin: { readonly seed: number } } | { readonly end: true };

/** What came of it, in milliseconds from the moment each batch was due to the moment its writer knew it booked. */
export interface WriterOutcome {
  readonly transactions: number;
  readonly batches: number;
  readonly p50: number;
  readonly p999: number;
  readonly longest: number;
  /** Batches that took longer than 250 ms, and failures by their code; what failed is sent again, and its time goes on. */
  readonly stalls: number;
  readonly errors: Readonly<Record<string, number>>;
}

const BATCH = 2;
const WRITERS = 8;
const STALL_MS = 250;

const [url = '', rate = '200', accounts = '1000'] = process.argv.slice(2);
const database = openDatabase({ databaseUrl: url, poolMax: 10, applicationName: 'bench writer' });
const poster = createPoster({
  db: database.write,
  calendar: calendar('UTC'),
  accounts: createAccountCache(),
});
const ledger = await requireLedger(database.write, 'bench');
const everyMs = (1000 * BATCH) / Number(rate);
let ending = false;

process.on('message', (order: WriterOrder) => {
  if ('end' in order) ending = true;
  else void measure(order.begin.seed).then((outcome) => process.send?.(outcome));
});
process.once('disconnect', () => process.exit());
process.send?.('ready');

async function measure(seed: number): Promise<WriterOutcome> {
  ending = false;
  const next = createPairs('spread', Number(accounts), createRandom(seed));
  const start = performance.now();
  const latencies: number[] = [];
  const errors: Record<string, number> = {};
  let position = 0;

  async function writer(): Promise<void> {
    for (;;) {
      const due = start + position++ * everyMs;
      for (let wait = due - performance.now(); wait > 0; wait = due - performance.now()) {
        if (ending) return;
        await delay(Math.min(wait, 100));
      }
      // What was due before the end is written, however late it is.
      if (ending && due > endedAt()) return;
      await post();
      latencies.push(performance.now() - due);
    }
  }

  async function post(): Promise<void> {
    const requests = Array.from({ length: BATCH }, () => {
      const [from, to] = next();
      const posting = { from: `user-${from}:WALLET`, to: `user-${to}:WALLET`, amount: 1n, currency: 'EUR' };
      return { postings: [posting], userId: `user-${from}` };
    });
    for (;;) {
      try {
        const results = await poster.post(ledger.id, requests);
        const refused = results.find(({ kind }) => kind === 'refused');
        if (refused !== undefined) throw (refused as { error: AppError }).error;
        return;
      } catch (error) {
        const code = error instanceof AppError ? error.code : String(error);
        errors[code] = (errors[code] ?? 0) + 1;
        await delay(50);
      }
    }
  }

  let end = Number.POSITIVE_INFINITY;
  const endedAt = () => {
    if (end === Number.POSITIVE_INFINITY) end = performance.now();
    return end;
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return {
    transactions: latencies.length * BATCH,
    batches: latencies.length,
    p50: percentile(latencies, 0.5),
    p999: percentile(latencies, 0.999),
    longest: percentile(latencies, 1),
    stalls: latencies.filter((ms) => ms > STALL_MS).length,
    errors,
  };
}
