/** A load of a soak: a file of its own making. It may be killed; who starts it again with the same name resumes it. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toAppError } from '../../src/db/sqlstate.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { load } from '../../src/ledger/load.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { createRandom } from '../distributions.ts';
import { openSoak, readSetting, stopSignal } from './setting.ts';

const RECORDS = 2000;
const DAYS = 40;

const setting = readSetting();
const house = openSoak(setting);
const { database, calendar, clock, quarters } = house;
const path = join(setting.home, `${setting.name}.csv`);
if (!existsSync(path)) writeFileSync(path, records());
try {
  const report = await load(
    {
      database,
      calendar,
      clock,
      accounts: createAccountCache(),
      oldest: quarters.oldest,
      ensureQuarters: async (from, to) => {
        await ensureQuarters(quarters, { actor: 'load' }, from, to);
      },
      finish: async () => {},
    },
    {
      ledger: 'soak',
      source: { path },
      id: setting.name,
      amounts: 'minor',
      createAccounts: { allowNegative: '*' },
      batch: 40,
      signal: stopSignal(),
    },
  );
  process.send?.({ loaded: setting.name, booked: report.booked });
} catch (error) {
  const { kind, code, detail } = toAppError(error);
  // Its quarter may have been closed while it lay dead; and it is started again when it failed for now.
  const passes = ['busy', 'unavailable', 'aborted', 'refused'].includes(kind) || code === 'bad_row';
  if (!passes) process.send?.({ complaint: `${setting.name}: ${kind}/${code}: ${detail}` });
}
await house.close();
process.exit(0);

function records(): string {
  const random = createRandom(setting.seed);
  const end = clock.now().getTime();
  const lines = Array.from({ length: RECORDS }, (_, i) => {
    const at = new Date(end - DAYS * 86_400_000 * (1 - i / RECORDS)).toISOString();
    const from = Math.floor(random() * 9);
    return `${at},${setting.name}-${from}:BANK,${setting.name}-${from + 1}:WALLET,${1 + Math.floor(random() * 500)},EUR,${setting.name}-${i}`;
  });
  return `created_at,debit_account,credit_account,amount,currency,reference_code\n${lines.join('\n')}\n`;
}
