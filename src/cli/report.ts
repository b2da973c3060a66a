import { type LedgerTotals, readTotals } from '../ledger/totals.ts';
import { listQuarters } from '../quarters/list.ts';
import type { CliHouse } from './house.ts';
import { table } from './table.ts';
import { formatBytes, formatCount, formatMoney } from './terminal.ts';

/** What the demo ends with. Amounts are minor units; as JSON they are strings. */
export interface HouseReport {
  readonly quarters: readonly {
    readonly name: string;
    readonly state: string;
    readonly transactions: bigint;
    readonly entries: bigint;
    readonly online_bytes: bigint;
    readonly archived_bytes: bigint;
    readonly digest: string | null;
  }[];
  readonly ledgers: readonly LedgerTotals[];
  readonly seconds: number;
}

export async function readReport(house: CliHouse, seconds: number): Promise<HouseReport> {
  const quarters = await listQuarters(house.quarters);
  return {
    quarters: quarters.map((quarter) => ({
      name: quarter.name,
      state: quarter.state,
      transactions: quarter.transactions,
      entries: quarter.entries,
      online_bytes: quarter.onlineBytes,
      archived_bytes: quarter.archivedBytes,
      digest: quarter.digest,
    })),
    ledgers: await readTotals(house.database.read),
    seconds: Number(seconds.toFixed(1)),
  };
}

/** The report as two tables for people. `exponents` are the currencies' decimals. */
export function renderReport(report: HouseReport, exponents: ReadonlyMap<string, number>): string {
  const quarters = table(
    ['Quarter', 'State', 'Transactions', 'Entries', 'Online', 'Archived', 'Digest'],
    report.quarters.map((quarter) => [
      quarter.name,
      quarter.state,
      formatCount(quarter.transactions),
      formatCount(quarter.entries),
      quarter.online_bytes === 0n ? '-' : formatBytes(quarter.online_bytes),
      quarter.archived_bytes === 0n ? '-' : formatBytes(quarter.archived_bytes),
      quarter.digest?.slice(0, 12) ?? '-',
    ]),
    ['Transactions', 'Entries', 'Online', 'Archived'],
  );
  const money = (amount: bigint, currency: string) => formatMoney(amount, exponents.get(currency) ?? 0);
  const ledgers = table(
    ['Ledger', 'Currency', 'Transactions', 'Debits', 'Credits', 'Imbalance'],
    report.ledgers.flatMap((ledger) =>
      ledger.currencies.map((totals) => [
        ledger.name,
        totals.currency,
        formatCount(totals.transactions),
        money(totals.debits, totals.currency),
        money(totals.credits, totals.currency),
        money(totals.imbalance, totals.currency),
      ]),
    ),
    ['Transactions', 'Debits', 'Credits', 'Imbalance'],
  );
  return `Quarters\n\n${quarters}\n\nTrial balance\n\n${ledgers}\n\nReady after ${report.seconds} s.`;
}
