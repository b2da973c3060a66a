import { sql } from 'kysely';
import type { LedgerTotals } from '../archive/books.ts';
import { check } from '../archive/check.ts';
import type { ProvedContents } from '../archive/proof.ts';
import { requireSound } from '../archive/verify.ts';
import type { Db } from '../db/schema.ts';
import type { CopiedTable } from './archive-copy.ts';
import { digestIn } from './archive-manifest.ts';
import type { QuarterRow } from './registry.ts';

/**
 * What came back from the store has to be what the database holds, and what it held when the quarter was closed.
 *
 * @throws AppError corrupt/archive_damaged which names everything that differs
 */
export async function requireEqual(
  db: Db,
  row: QuarterRow,
  copied: readonly CopiedTable[],
  contents: ProvedContents,
  location: string,
): Promise<void> {
  const rowsOf = (name: string) => contents.tables.find((table) => table.name === name)?.rows;
  const counts = (['transactions', 'entries'] as const)
    .filter((name) => rowsOf(name) !== row[name])
    .map((name) => `${rowsOf(name)} ${name} instead of ${row[name]}`);
  const digests = copied
    .filter(({ name, digest }) => digest !== undefined && digest !== digestIn(contents, name))
    .map(({ name }) => `${name} differs from the database`);
  if (contents.digest !== row.digest) {
    digests.push(
      `the digest of the quarter is ${contents.digest}, and ${row.digest} was fixed when it was closed`,
    );
  }
  const compared = [
    check('counts', counts, ''),
    check('digests', digests, ''),
    check('amounts', await differingAmounts(db, row.quarter, contents.ledgers), ''),
  ];
  requireSound(compared, location);
}

/** Debits and credits of each ledger and currency, held against the trial balance in the database. */
async function differingAmounts(
  db: Db,
  quarter: string,
  ledgers: readonly LedgerTotals[],
): Promise<string[]> {
  const { rows } = await sql<{ amounts: string }>`
    SELECT concat_ws(' ', b.ledger_id, a.currency, sum(b.debits), sum(b.credits)) AS amounts
    FROM ledger.quarter_balances AS b
    JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
    WHERE b.ledger_id IN (SELECT id FROM ledger.ledgers) AND b.quarter = ${quarter}
    GROUP BY b.ledger_id, a.currency`.execute(db);
  const fixed = new Set(rows.map(({ amounts }) => amounts));
  const found = ledgers.flatMap(({ id, currencies }) =>
    currencies
      .filter(({ debits, credits }) => debits !== '0' || credits !== '0')
      .map(({ currency, debits, credits }) => `${id} ${currency} ${debits} ${credits}`),
  );
  const differing = [
    ...found.filter((amounts) => !fixed.has(amounts)),
    ...[...fixed].filter((amounts) => !found.includes(amounts)),
  ];
  return differing.map((amounts) => `ledger, currency, debits and credits ${amounts} are on one side only`);
}
