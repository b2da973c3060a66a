import { Option } from 'commander';
import { AppError } from '../core/errors.ts';
import type { LoadOptions, LoadReport, LoadStep } from '../ledger/load.ts';
import { type CliCommand, type CommandKit, command, contextOf, withHouse } from './command.ts';
import { loadJson } from './json-books.ts';
import { progressBar } from './progress.ts';
import { formatCount, printResult } from './terminal.ts';

interface Flags {
  json?: boolean;
  ledger: string;
  createLedger?: boolean;
  id?: string;
  format?: 'csv' | 'ndjson';
  amounts: 'decimal' | 'minor';
  createAccounts?: boolean;
  allowNegative?: string;
  reject?: string;
}

/** `quartermaster load FILE` */
export function loadCommand(kit: CommandKit): CliCommand {
  return command('load', 'load transactions from CSV or NDJSON, plain, .gz or .zst; - reads standard input', [
    'load payments.csv.zst --ledger main --create-ledger --create-accounts --allow-negative BANK',
    'load events.ndjson --ledger main --amounts minor --reject rejected.ndjson',
    'load - --ledger main --id 2024-import --format csv < payments.csv',
  ])
    .argument('<file>', 'the file, or - for standard input')
    .requiredOption('--ledger <name>', 'the ledger to load into')
    .option('--create-ledger', 'create the ledger if it does not exist')
    .option('--id <name>', "the load's name, by which it is resumed (default: the file's name)")
    .addOption(
      new Option('--format <format>', 'the format, where the name does not tell').choices(['csv', 'ndjson']),
    )
    .addOption(
      new Option('--amounts <form>', 'decimal text such as 12.34, or integers of minor units')
        .choices(['decimal', 'minor'])
        .default('decimal'),
    )
    .option('--create-accounts', 'create the accounts that are missing')
    .option(
      '--allow-negative <groups>',
      "group types whose created accounts may go below zero, as BANK,FEES, or '*'",
    )
    .option('--reject <file>', 'write bad rows there and go on, instead of stopping at the first')
    .addHelpText('after', ROWS)
    .prints(loadJson)
    .action(async (file: string, flags: Flags) => {
      const context = contextOf(kit, flags, 'warn');
      await withHouse(context, async (house) => {
        const bar = progressBar(context.terminal, `Loading ${file}`);
        const report = await house.load({
          ...optionsOf(file, flags),
          signal: kit.entry.signal,
          onProgress: (progress) => bar.update(progress.records, expectedRecords(progress)),
        });
        bar.end();
        printResult(context.terminal, report, renderLoad);
      });
    });
}

const ROWS = `
A row has created_at, debit_account, credit_account, amount and currency, and may have user_id, status (SUCCESS or
FAILED), reference_code, description and metadata (a JSON object). Money leaves the debit account and reaches the
credit account. Accounts are written entity:GROUP, as user-123:WALLET. NDJSON rows may hold
"postings":[{"from","to","amount","currency"}] instead, for more than one. Rows must be in order of time for each account.

A load that was stopped or killed continues where it stopped when the same file is given again, and a load that is
done is not done twice.`;

function optionsOf(file: string, flags: Flags): LoadOptions {
  if (flags.allowNegative !== undefined && flags.createAccounts !== true) {
    throw new AppError(
      'invalid',
      'bad_option',
      '--allow-negative says how accounts are created: add --create-accounts.',
    );
  }
  const allowNegative = flags.allowNegative?.split(',') ?? [];
  return {
    ledger: flags.ledger,
    createLedger: flags.createLedger === true,
    source: file === '-' ? { stream: process.stdin } : { path: file },
    ...(flags.id === undefined ? {} : { id: flags.id }),
    ...(flags.format === undefined ? {} : { format: flags.format }),
    amounts: flags.amounts,
    ...(flags.createAccounts === true
      ? { createAccounts: { allowNegative: allowNegative.includes('*') ? '*' : allowNegative } }
      : {}),
    ...(flags.reject === undefined ? {} : { rejectFile: flags.reject }),
  };
}

/** How many records the whole file will have, going by the part that was read. */
function expectedRecords({ records, bytesRead, bytesTotal }: LoadStep): number | undefined {
  return bytesTotal === undefined || bytesRead === 0
    ? undefined
    : Math.round((records * bytesTotal) / bytesRead);
}

function renderLoad(report: LoadReport): string {
  if (report.alreadyLoaded) {
    return `Load ${report.id} was done before: ${formatCount(report.booked)} transactions. Nothing was done.`;
  }
  const lines = [
    `Load ${report.id} is done: ${formatCount(report.booked)} transactions from ${formatCount(report.records)} rows.`,
  ];
  if (report.resumedAt > 0) lines.push(`It went on after row ${formatCount(report.resumedAt)}.`);
  if (report.rejected > 0) lines.push(`${formatCount(report.rejected)} rows were rejected.`);
  return lines.join('\n');
}
