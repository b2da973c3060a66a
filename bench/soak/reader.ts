/** A reader of a soak: pages of lists, statements and balances, each of which has to agree with itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { isAppError } from '../../src/core/errors.ts';
import { toAppError } from '../../src/db/sqlstate.ts';
import { readBalance } from '../../src/ledger/balance.ts';
import { requireLedger } from '../../src/ledger/ledgers.ts';
import { listTransactions } from '../../src/ledger/list.ts';
import { readStatement } from '../../src/ledger/statement.ts';
import { createRandom } from '../distributions.ts';
import { openSoak, readSetting, stopSignal } from './setting.ts';

const setting = readSetting();
const { database, calendar, clock, close } = openSoak(setting);
const random = createRandom(setting.seed);
const stop = stopSignal();
const house = { db: database.read, calendar, clock };

while (!stop.aborted) {
  try {
    const { id } = await requireLedger(database.read, 'soak');
    const account = `writer-${1 + Math.floor(random() * 2)}-${Math.floor(random() * 20)}:WALLET`;
    await readList(id);
    await readAccount(id, account);
  } catch (error) {
    const known = toAppError(error);
    // A quarter may leave between two statements, and the server may be dead.
    const passes = ['busy', 'unavailable', 'not_found', 'conflict'].includes(known.kind);
    if (!passes) complain(`${known.kind}/${known.code}: ${known.detail}`);
  }
  await delay(100);
}
await close();
process.exit(0);

async function readList(ledger: number): Promise<void> {
  let cursor: string | undefined;
  let last = Number.POSITIVE_INFINITY;
  const seen = new Set<string>();
  for (let page = 0; page < 5; page++) {
    const found = await listTransactions(house, ledger, { limit: 50, cursor });
    for (const { id, createdAt } of found.transactions) {
      if (createdAt.getTime() > last) complain(`the list goes up at ${id}`);
      if (seen.has(id)) complain(`the list has ${id} twice`);
      seen.add(id);
      last = createdAt.getTime();
    }
    cursor = found.next;
    if (cursor === undefined) return;
  }
}

async function readAccount(ledger: number, account: string): Promise<void> {
  await readBalance(house, ledger, { account });
  const from = new Date(clock.now().getTime() - 300 * 86_400_000);
  const found = await readStatement(house, ledger, { account, from, limit: 1000 });
  if (found.next !== undefined || found.archivedQuarters.length > 0) return;
  const moved = found.lines.reduce((sum, { amount }) => sum + amount, 0n);
  if (found.opening + moved !== found.closing)
    complain(
      `the statement of ${account} opens with ${found.opening}, moves ${moved} and closes with ${found.closing}`,
    );
}

function complain(what: string): void {
  if (isAppError(what)) return;
  process.send?.({ complaint: `reader: ${what}` });
}
