import { once } from 'node:events';
import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { requireLedger } from '../ledger/ledgers.ts';
import { trialBalanceCsv } from '../quarters/trial-balance-csv.ts';
import {
  readTrialBalance,
  type TrialBalanceTotal,
  trialBalanceTotals,
} from '../quarters/trial-balance-report.ts';
import { type CliCommand, type CommandKit, command, contextOf, withHouse } from './command.ts';
import { trialBalanceJson } from './json-quarters.ts';
import { paint } from './paint.ts';
import { givenRange, namesOf, QUARTERS_OPTION } from './quarters-given.ts';
import { table } from './table.ts';
import { formatCount, formatMoney, printable, printResult, type Terminal } from './terminal.ts';

interface Flags {
  readonly json?: boolean;
  readonly ledger?: string;
  readonly moved?: boolean;
  readonly csv?: boolean;
  readonly quarters?: string;
}

/** `quartermaster quarters trial-balance`: as it was fixed at the last close, as totals or account by account. */
export function trialBalanceCommand(kit: CommandKit): CliCommand {
  return command('trial-balance', 'print the trial balance of a closed quarter', [
    'quarters trial-balance 2024q1',
    'quarters trial-balance --quarters 2024q1..2024q4 --json',
    'quarters trial-balance 2024q1 --ledger main --csv > trial-balance.csv',
  ])
    .argument('[quarters]', 'as 2024q1; of several, one after the other')
    .option(...QUARTERS_OPTION)
    .option('--ledger <name>', 'of one ledger only')
    .option('--moved', 'only the accounts that moved in the quarter, which sum to 0 only with the others')
    .option('--csv', 'account by account, as CSV; without it the totals by ledger and currency')
    .prints(trialBalanceJson)
    .action(async (given: string | undefined, flags: Flags, self: Command) => {
      const range = givenRange(self, given, flags.quarters);
      const context = contextOf(kit, flags, 'warn');
      if (flags.csv === true && flags.json === true) {
        throw new AppError(
          'invalid',
          'bad_option',
          'A trial balance is printed as --csv or as --json, not as both.',
        );
      }
      await withHouse(context, async (house) => {
        const names = await namesOf(house, range);
        const db = house.database.read;
        const ledgerId = flags.ledger === undefined ? undefined : (await requireLedger(db, flags.ledger)).id;
        const options = { ledgerId, carried: flags.moved !== true };
        const [first = ''] = names;
        if (flags.csv === true && names.length > 1) {
          const detail = `A CSV has the accounts of one quarter, for its lines do not name it. Ask for ${first} to ${names.at(-1)} one by one.`;
          throw new AppError('invalid', 'bad_option', detail);
        }
        if (flags.csv === true) {
          return printPieces(context.terminal, trialBalanceCsv(readTrialBalance(db, first, options)));
        }
        const found: { quarter: string; totals: TrialBalanceTotal[] }[] = [];
        for (const quarter of names)
          found.push({ quarter, totals: await trialBalanceTotals(db, quarter, options) });
        printResult(context.terminal, found.length === 1 ? found[0] : found, (_, width) =>
          found
            .map(({ quarter, totals }) =>
              found.length === 1
                ? renderTotals(totals, width)
                : `${paint('heading', quarter)}\n${renderTotals(totals, width)}`,
            )
            .join('\n\n'),
        );
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

function renderTotals(totals: readonly TrialBalanceTotal[], width: number): string {
  if (totals.length === 0) return 'No account ever moved.';
  const money = ['Opening', 'Debits', 'Credits', 'Closing'] as const;
  return table(
    ['Ledger', 'Currency', 'Accounts', ...money],
    totals.map((total) => [
      printable(total.ledger),
      total.currency,
      formatCount(total.accounts),
      ...[total.opening, total.debits, total.credits, total.closing].map((amount) =>
        formatMoney(BigInt(amount), total.exponent),
      ),
    ]),
    ['Accounts', ...money],
    { width, drop: ['Accounts'], stack: true },
  );
}
