import { formatMinor } from '../core/money.ts';
import type { TrialBalanceRow } from './trial-balance-report.ts';

/** The columns, in order. Amounts are there twice: as people write them, and in minor units, as programs add them up. */
export const csvColumns = [
  ...['ledger', 'account', 'group_type', 'name', 'currency', 'exponent'],
  ...['opening', 'debits', 'credits', 'closing'],
  ...['opening_minor', 'debits_minor', 'credits_minor', 'closing_minor', 'moved'],
] as const;

/** Lines are gathered into pieces of about so many characters. */
const PIECE = 64 * 1024;

/**
 * The rows as CSV of RFC 4180, the header first and every line ended by CRLF, in pieces of a bounded size that end anywhere
 * between two lines.
 *
 * A text that a spreadsheet would take for a formula, for it begins with `=`, `+`, `-`, `@`, one of these in full width, a tab
 * or a line break, gets an apostrophe in front. Amounts begin with a minus where they are below zero and are left alone: they are numbers.
 */
export async function* trialBalanceCsv(rows: AsyncIterable<TrialBalanceRow>): AsyncGenerator<string> {
  let piece = `${csvColumns.join(',')}\r\n`;
  for await (const row of rows) {
    piece += `${lineOf(row)}\r\n`;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

function lineOf(row: TrialBalanceRow): string {
  const amounts = [row.opening, row.debits, row.credits, row.closing];
  return [
    ...[row.ledger, row.account, row.groupType, row.name, row.currency].map(textCell),
    row.exponent,
    ...amounts.map((amount) => formatMinor(BigInt(amount), row.exponent)),
    ...amounts,
    row.moved,
  ].join(',');
}

/** A text as one cell, quoted where it has to be. */
export function textCell(text: string): string {
  const safe = /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
