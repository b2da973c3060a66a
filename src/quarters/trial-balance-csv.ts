import type { TrialBalanceRow } from './trial-balance-report.ts';

/** The rows as CSV of RFC 4180, in pieces. */
export async function* trialBalanceCsv(rows: AsyncIterable<TrialBalanceRow>): AsyncGenerator<string> {
  for await (const row of rows) yield `${Object.values(row).join(',')}\r\n`;
}
