import { once } from 'node:events';
import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { formatMinor } from '../core/money.ts';
import { isQuarterName } from '../core/quarter.ts';
import { requireLedger } from '../ledger/ledgers.ts';
import { trialBalanceCsv } from '../quarters/trial-balance-csv.ts';
import {
  readTrialBalance,
  type TrialBalanceTotal,
  trialBalanceTotals,
} from '../quarters/trial-balance-report.ts';
import { type CommandKit, contextOf, group, JSON_OPTION, withHouse } from './command.ts';
import { formatCount, printResult, type Terminal, table } from './terminal.ts';

interface Flags {
  readonly json?: boolean;
  readonly ledger?: string;
  readonly moved?: boolean;
  readonly csv?: boolean;
}

/** `quartermaster quarters trial-balance`: as it was fixed at the last close, as totals or account by account. */
export function trialBalanceCommand(kit: CommandKit): Command {
  return group('trial-balance', 'print the trial balance of a closed quarter', [
    'quarters trial-balance 2024q1',
    'quarters trial-balance 2024q1 --ledger main --csv > trial-balance.csv',
  ])
    .argument('<quarter>', 'as 2024q1')
    .option('--ledger <name>', 'of one ledger only')
    .option('--moved', 'only the accounts that moved in the quarter, which sum to 0 only with the others')
    .option('--csv', 'account by account, as CSV; without it the totals by ledger and currency')
    .option(...JSON_OPTION)
    .action(async (quarter: string, flags: Flags) => {
      const context = contextOf(kit, flags, 'warn');
      if (!isQuarterName(quarter)) {
        throw new AppError('invalid', 'invalid_quarter', `${quarter} is no quarter. Write it as 2024q1.`);
      }
      if (flags.csv === true && flags.json === true) {
        throw new AppError(
          'invalid',
          'bad_option',
          'A trial balance is printed as --csv or as --json, not as both.',
        );
      }
      await withHouse(context, async ({ database }) => {
        const db = database.read;
        const ledgerId = flags.ledger === undefined ? undefined : (await requireLedger(db, flags.ledger)).id;
        const options = { ledgerId, carried: flags.moved !== true };
        if (flags.csv === true) {
          return printPieces(context.terminal, trialBalanceCsv(readTrialBalance(db, quarter, options)));
        }
        const totals = await trialBalanceTotals(db, quarter, options);
        printResult(context.terminal, { quarter, totals }, () => renderTotals(totals));
      });
    });
}

/** No faster than they are taken, and no more when nobody takes them (`… | head`). */
async function printPieces({ out }: Terminal, pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    if (!out.writable) return;
    if (out.write(piece)) continue;
    try {
      await once(out, 'drain');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
      throw error;
    }
  }
}

function renderTotals(totals: readonly TrialBalanceTotal[]): string {
  if (totals.length === 0) return 'No account ever moved.';
  const money = ['Opening', 'Debits', 'Credits', 'Closing'] as const;
  return table(
    ['Ledger', 'Currency', 'Accounts', ...money],
    totals.map((total) => [
      total.ledger,
      total.currency,
      formatCount(total.accounts),
      ...[total.opening, total.debits, total.credits, total.closing].map((amount) =>
        formatMinor(BigInt(amount), total.exponent),
      ),
    ]),
    ['Accounts', ...money],
  );
}
