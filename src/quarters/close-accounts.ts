import { sql } from 'kysely';
import { MAX_AMOUNT } from '../core/money.ts';
import type { Trx } from '../db/schema.ts';
import type { Finding } from './close-findings.ts';
import type { QuarterRow } from './registry.ts';

/** The checks that are made from one row an account, and what is fine when they are passed. */
export const accountChecks = {
  sums: 'The entries sum to 0 in every ledger and currency.',
  balances: 'Every balance is what the last entry of its account says.',
  versions: 'The versions have no gap, and every entry goes on from the balance before it.',
  openings: 'Every account begins with the balance it ended the quarter with in which it last moved.',
  accounts: 'Every account that has entries is known.',
} as const;
export type AccountCheck = keyof typeof accountChecks;

/** Looks at what was gathered; see `gatherBalances`. */
export async function lookAtAccounts(trx: Trx, row: QuarterRow): Promise<Record<AccountCheck, Finding>> {
  const { rows } = await sql<{ moved: bigint } & Record<Found, bigint> & Record<`${Found}_example`, string>>`
    SELECT count(*) AS moved, ${foundIn('gap', sql`m.breaks > 0`)},
           ${foundIn('unknown', sql`m.currency IS NULL`)},
           ${foundIn('opening', sql`m.opening IS DISTINCT FROM m.previous`)},
           ${foundIn('leap', sql`m.first_version <> m.previous_version + 1`)},
           ${foundIn('huge', sql`greatest(m.debits, m.credits) > ${MAX_AMOUNT.toString()}::numeric`)}
    FROM pg_temp.quarter_moves AS m`.execute(trx);
  const [found] = rows;
  const fault = (what: Found, words: string) =>
    found === undefined || found[what] === 0n
      ? []
      : [`${words}: ${found[what]}, for one ${found[`${what}_example`]}.`];
  const moved = `${found?.moved ?? 0n} accounts moved.`;
  const faults: Record<AccountCheck, string[]> = {
    sums: [
      ...(await unbalanced(trx)),
      ...fault('huge', 'Accounts whose debits or credits are more than the trial balance can hold'),
    ],
    balances: await differing(trx, row),
    versions: [
      ...fault(
        'gap',
        'Accounts with a gap in their versions, or an entry that does not go on from the balance before it',
      ),
      ...fault(
        'leap',
        'Accounts whose first version does not follow the last one of the quarter in which they moved before',
      ),
    ],
    openings: fault(
      'opening',
      'Accounts that do not begin with the balance they ended the quarter with in which they last moved',
    ),
    accounts: fault('unknown', 'Accounts that have entries and do not exist'),
  };
  const findingOf = (name: AccountCheck) => ({
    faults: faults[name],
    fine: `${accountChecks[name]} ${moved}`,
  });
  return {
    sums: findingOf('sums'),
    balances: findingOf('balances'),
    versions: findingOf('versions'),
    openings: findingOf('openings'),
    accounts: findingOf('accounts'),
  };
}

type Found = 'gap' | 'unknown' | 'opening' | 'leap' | 'huge';

/** How many rows it holds of, and one of them. */
function foundIn(name: Found, condition: ReturnType<typeof sql>) {
  return sql`count(*) FILTER (WHERE ${condition}) AS ${sql.id(name)},
    min('account ' || m.account_id || ' of ledger ' || m.ledger_id) FILTER (WHERE ${condition})
      AS ${sql.id(`${name}_example`)}`;
}

async function unbalanced(trx: Trx): Promise<string[]> {
  const { rows } = await sql<{ ledger: string; currency: string | null; off: string }>`
    SELECT coalesce(l.name, m.ledger_id::text) AS ledger, m.currency, sum(m.credits) - sum(m.debits) AS off
    FROM pg_temp.quarter_moves AS m LEFT JOIN ledger.ledgers AS l ON l.id = m.ledger_id
    GROUP BY coalesce(l.name, m.ledger_id::text), m.currency
    HAVING sum(m.credits) <> sum(m.debits)
    ORDER BY 1, 2`.execute(trx);
  return rows.map(
    ({ ledger, currency, off }) =>
      `The entries of ledger ${ledger} in ${currency ?? 'no known currency'} sum to ${off} minor units, not to 0.`,
  );
}

/**
 * An account that has not moved since ends the quarter as its balance stands. One that has moved on cannot be compared with
 * it: there only the version must be higher, and its next quarter's opening and first version are held to this one's end. What
 * reservations hold does not change what is posted.
 */
async function differing(trx: Trx, { quarter, starts_at, ends_at }: QuarterRow): Promise<string[]> {
  const { rows } = await sql<{ code: string; found: bigint; example: string }>`
    SELECT f.code, count(*) AS found,
           min('account ' || coalesce(m.account_id, b.account_id) || ' of ledger ' || coalesce(m.ledger_id, b.ledger_id)
               || coalesce(' has ' || b.posted || ' at version ' || b.version, ' has none')
               || coalesce(', its last entry says ' || m.final || ' at version ' || m.last_version, '')) AS example
    FROM pg_temp.quarter_moves AS m
    FULL JOIN (
      SELECT ledger_id, account_id, posted, version, last_entry_at
      FROM ledger.balances WHERE last_entry_at >= ${starts_at}
    ) AS b ON b.ledger_id = m.ledger_id AND b.account_id = m.account_id
    CROSS JOIN LATERAL (SELECT CASE
      WHEN m.account_id IS NULL THEN CASE WHEN b.last_entry_at < ${ends_at} THEN 'no_entry' END
      WHEN b.last_entry_at >= ${ends_at} THEN CASE WHEN b.version <= m.last_version THEN 'differs' END
      WHEN b.posted = m.final AND b.version = m.last_version AND b.last_entry_at = m.last_at THEN NULL
      ELSE 'differs'
    END AS code) AS f
    WHERE f.code IS NOT NULL
    GROUP BY f.code
    ORDER BY f.code`.execute(trx);
  const words: Readonly<Record<string, string>> = {
    differs: 'Balances that are not what the last entry of their account says',
    no_entry: `Balances that say their last entry is in ${quarter}, where there is none`,
  };
  return rows.map(({ code, found, example }) => `${words[code]}: ${found}, for one ${example}.`);
}
