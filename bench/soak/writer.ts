/**
 * A writer of a soak: posts batches through the Poster, each request with a key, and keeps a journal of what it sent and
 * what it was told. Killed, its successor sends again what it has no answer to.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isAppError } from '../../src/core/errors.ts';
import { requireLedger } from '../../src/ledger/ledgers.ts';
import type { PostResult } from '../../src/ledger/post.ts';
import type { TransactionRequest } from '../../src/ledger/request.ts';
import { createRandom } from '../distributions.ts';
import { openJournal, type Sent } from './journal.ts';
import { FIRST_DAY, openSoak, readSetting, stopSignal } from './setting.ts';

const ACCOUNTS = 20;
const PAUSE_MS = 60;
/** Accounts of late ones. */
const LATE = 200;
const LATE_DAYS = 120;

const setting = readSetting();
const house = openSoak(setting);
const stop = stopSignal();
const journal = openJournal(setting.home, setting.name);
const random = createRandom(setting.seed);
const pick = (size: number) => Math.floor(random() * size);
const ledger = await patiently(() => requireLedger(house.database.write, 'soak'));

for (const sent of journal.unanswered()) await post([sent]);
while (!stop.aborted && journal.count() < setting.rows) {
  const batch = Array.from({ length: 1 + pick(8) }, nextRequest);
  for (const sent of batch) journal.sent(sent);
  // Now and then one comes late: into a quarter that may be closed by now, on accounts that nobody else uses.
  const late = house.clock.now().getTime() - LATE_DAYS * 86_400_000;
  if (random() < 0.03 && late > FIRST_DAY) {
    const from = `late-${journal.count() % LATE}:WALLET`;
    const sent = { ...nextRequest(), from, at: new Date(late).toISOString() };
    journal.sent(sent);
    await post([sent]);
  }
  await post(batch);
  await delay(PAUSE_MS);
}
await house.close();
process.exit(0);

function nextRequest(): Sent {
  const from = pick(ACCOUNTS);
  return {
    key: journal.nextKey(),
    from: `${setting.name}-${from}:WALLET`,
    to: `${setting.name}-${(from + 1 + pick(ACCOUNTS - 1)) % ACCOUNTS}:WALLET`,
    amount: 1 + pick(1000),
    at: house.clock.now().toISOString(),
  };
}

/** Sends until it is answered. What was refused as a whole is sent one by one. */
async function post(batch: readonly Sent[]): Promise<void> {
  try {
    const results = await patiently(() => house.poster.post(ledger.id, batch.map(requestOf)));
    for (const [i, result] of results.entries()) note(batch[i] as Sent, result);
  } catch (error) {
    if (!isAppError(error)) throw error;
    const [first] = batch;
    if (batch.length > 1) for (const one of batch) await post([one]);
    else if (first !== undefined) journal.refused(first.key, `${error.kind}/${error.code}`);
  }
}

function note(sent: Sent, result: PostResult): void {
  if (result.kind === 'refused') journal.refused(sent.key, `${result.error.kind}/${result.error.code}`);
  else journal.booked(sent.key, result.transaction.id);
}

function requestOf({ key, from, to, amount, at }: Sent): TransactionRequest {
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([from, to, amount, at]))
    .digest();
  return {
    postings: [{ from, to, amount: BigInt(amount), currency: 'EUR' }],
    createdAt: new Date(at),
    userId: from.slice(0, from.indexOf(':')),
    referenceCode: key,
    idempotency: { key, fingerprint },
  };
}

/** Tries again for as long as it may help: the server may be dead for a while. */
async function patiently<T>(action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      const passes = isAppError(error)
        ? error.kind === 'unavailable' || error.kind === 'busy'
        : String((error as { code?: unknown }).code ?? error).match(/ECONN|57P|terminated|timeout/);
      if (!passes) throw error;
      if (isAppError(error, 'no_partition')) journal.note('no_partition');
      await delay(100);
    }
  }
}
