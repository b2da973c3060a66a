import { Readable } from 'node:stream';
import { stopwatch } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { readCurrencies } from '../ledger/ledgers.ts';
import { isLoadDone } from '../ledger/load-progress.ts';
import {
  type CliCommand,
  type CommandContext,
  type CommandKit,
  command,
  contextOf,
  serve,
  withHouse,
} from './command.ts';
import { type DemoLedger, demoHistory, demoLedgers, demoNegativeGroups } from './demo-history.ts';
import { withDatabase } from './dev.ts';
import type { CliHouse } from './house.ts';
import { demoJson } from './json-books.ts';
import { createProcessKey } from './process-key.ts';
import { progressBar } from './progress.ts';
import { readReport, renderReport } from './report.ts';
import { note, printResult } from './terminal.ts';

/** How many past quarters get a history. */
const PAST_QUARTERS = 10;

/** `quartermaster demo`: a whole ledger in action, on a PostgreSQL of its own when none is configured. */
export function demoCommand(kit: CommandKit): CliCommand {
  return command('demo', 'fill a ledger with ten quarters of history, run every job once, and serve it', [
    'demo',
    'demo --exit',
    'demo --exit --json',
  ])
    .option('--exit', 'end after the report instead of serving the API')
    .option('--share <percent>', 'make only this share of the history, for a quick look', parseShare, 100)
    .prints(demoJson)
    .action(async (options: { json?: boolean; exit?: boolean; share: number }) => {
      const elapsed = stopwatch();
      await withDatabase(contextOf(kit, options, 'warn'), async (context) => {
        await withHouse(context, async (house) => {
          await fill(context, house, options.share);
          await runJobs(context, house);
          const exponents = await readCurrencies(house.database.read);
          const report = await readReport(house, elapsed());
          printResult(context.terminal, report, (result) => `\n${renderReport(result, exponents)}\n`);
          if (options.exit === true) return;
          const { keys, says } = createProcessKey(context.config, 'demo');
          const api = house.apiService({ keys });
          await serve(context, [api, house.workerService()], () =>
            note(context.terminal, whereNext(api.address(), says)),
          );
        });
      });
    });
}

/** The history goes in through the load, whose progress rows know on a second start that it is there already. */
async function fill(context: CommandContext, house: CliHouse, share: number): Promise<void> {
  await step(context, house, 'reconcile-partitions', {});
  // Whole days only: two runs on the same day write the same rows.
  const { calendar, clock } = house;
  const to = calendar.startOfDay(calendar.dayOf(clock.now()));
  const from = calendar.next(calendar.quarterOf(to), -PAST_QUARTERS).start;
  for (const ledger of demoLedgers) {
    const transactions = Math.ceil((ledger.transactions * share) / 100);
    await loadHistory(context, house, { ...ledger, transactions }, from, to);
  }
}

async function loadHistory(
  context: CommandContext,
  house: CliHouse,
  ledger: DemoLedger,
  from: Date,
  to: Date,
): Promise<void> {
  // The history ends today, so on a later day it would read differently; what was loaded stays as it is.
  if (await isLoadDone(house.database.write, ledger.name, 'demo')) return;
  const bar = progressBar(context.terminal, `Loading ${ledger.name}`);
  const report = await house.load({
    ledger: ledger.name,
    createLedger: true,
    source: { stream: Readable.from(demoHistory(ledger, from, to), { objectMode: false }) },
    id: 'demo',
    format: 'ndjson',
    amounts: 'minor',
    createAccounts: { allowNegative: demoNegativeGroups },
    signal: context.entry.signal,
    onProgress: (progress) => bar.update(progress.records, ledger.transactions),
  });
  bar.end(`${report.booked} transactions`);
}

async function runJobs(context: CommandContext, house: CliHouse): Promise<void> {
  await step(context, house, 'refresh-summaries', {});
  await step(context, house, 'analyze-partitions', {});
  for (const { verb, ...data } of await house.dueVerbs()) {
    await step(context, house, verb, { ...data, actor: 'demo' });
  }
}

async function step(
  context: CommandContext,
  house: CliHouse,
  job: string,
  data: { quarter?: string; reason?: string; actor?: string },
): Promise<void> {
  const bar = progressBar(context.terminal, data.quarter === undefined ? job : `${job} ${data.quarter}`);
  await house.runJob(job, data, {
    signal: context.entry.signal,
    onProgress: ({ done, total }) => bar.update(done, total),
  });
  bar.end();
}

function parseShare(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 100) return Number(text);
  throw new AppError('invalid', 'bad_option', `--share is a whole number from 1 to 100, not ${text}.`);
}

function whereNext(address: string, key: string): string {
  const ledger = `${address}/v1/ledgers/${demoLedgers[0]?.name}`;
  return `Open ${address}/console in a browser, and sign in with the key below.
The API listens on ${address} and the worker runs. Ctrl-C stops both.

${key}
  curl -H "Authorization: Bearer $KEY" '${ledger}/transactions?limit=3'
  curl -H "Authorization: Bearer $KEY" ${ledger}/transactions -H 'content-type: application/json' \\
    -H 'idempotency-key: try-1' -d '{"postings":[{"from":"treasury:BANK","to":"user-1:WALLET","amount":"1250","currency":"EUR"}]}'
  curl ${address}/openapi.json

The archives are in ./var/archive, each folder with a manifest.json and Parquet files that any DuckDB can read.`;
}
