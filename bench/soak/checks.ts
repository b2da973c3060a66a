import { sql } from 'kysely';
import type { JobHouse } from '../../jobs/house.ts';
import { verifyArchive } from '../../src/archive/verify.ts';
import { isAppError } from '../../src/core/errors.ts';
import { readCatalog } from '../../src/db/catalog.ts';
import { sqlState } from '../../src/db/sqlstate.ts';
import { archiveFolder } from '../../src/quarters/archives.ts';
import { readQuarters } from '../../src/quarters/registry.ts';

/** What is looked at while everything goes on. */
export interface Watch {
  /** @returns what is wrong, as sentences */
  look(pick: number): Promise<string[]>;
  /** The digest each quarter was closed with, which it has for ever unless it is reopened. */
  readonly digests: ReadonlyMap<string, string>;
  readonly looks: number;
}

const out = ['archived', 'detached', 'dropped', 'restored'];

export function openWatch(house: JobHouse): Watch {
  const digests = new Map<string, string>();
  const seen = new Map<string, string>();
  let looks = 0;
  return {
    digests,
    get looks() {
      return looks;
    },
    async look(pick) {
      looks++;
      const db = house.database.direct;
      const rows = await readQuarters(db);
      const faults: string[] = [];
      for (const { quarter, digest, closed_at, reopened_at, state } of rows) {
        if (digest === null || state === 'open') {
          digests.delete(quarter);
          seen.delete(quarter);
          continue;
        }
        const known = digests.get(quarter);
        const closed = `${closed_at?.toISOString()} ${reopened_at?.toISOString()}`;
        if (known !== undefined && known !== digest && seen.get(quarter) === closed)
          faults.push(`${quarter} was closed with ${known} and has ${digest}`);
        digests.set(quarter, digest);
        seen.set(quarter, closed);
      }
      faults.push(...(await sumFaults(house)), ...(await catalogFaults(house)));
      const archived = rows.filter(({ state }) => out.includes(state));
      const row = archived[Math.floor(pick * archived.length)];
      if (row !== undefined) {
        const folder = archiveFolder(house.quarters.ledgerSet, row.quarter);
        const { digest } = await verifyArchive(house.quarters.store, folder);
        if (digest !== row.digest)
          faults.push(`the archive of ${row.quarter} has ${digest}, not ${row.digest}`);
      }
      return faults;
    },
  };
}

/** True for what only says that the server is dead just now. */
export function isAway(error: unknown): boolean {
  return (
    isAppError(error, 'unavailable') ||
    isAppError(error, 'busy') ||
    /^(57P|08|55P03|53300)/.test(sqlState(error) ?? '') ||
    /ECONN|terminated|timeout exceeded/.test(String((error as { code?: unknown }).code ?? error))
  );
}

/** In one snapshot: entries sum to zero, and each account stands where its last entry left it. */
async function sumFaults({ database }: JobHouse): Promise<string[]> {
  return database.direct
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const { rows } = await sql<{ fault: string }>`
        SELECT concat_ws(' ', 'the entries of ledger', e.ledger_id, 'in', a.currency, 'sum to', sum(e.amount)) AS fault
        FROM ledger.entries AS e JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id
        GROUP BY e.ledger_id, a.currency HAVING sum(e.amount) <> 0
        UNION ALL
        SELECT concat_ws(' ', 'account', b.account_id, 'has', b.posted, 'at version', b.version, 'and its last entry left',
                         last.balance_after, 'at', last.version)
        FROM ledger.balances AS b
        JOIN LATERAL (
          SELECT e.balance_after, e.version FROM ledger.entries AS e
          WHERE e.ledger_id = b.ledger_id AND e.account_id = b.account_id
          ORDER BY e.created_at DESC, e.version DESC LIMIT 1
        ) AS last ON true
        WHERE b.ledger_id IN (SELECT id FROM ledger.ledgers)
          AND (last.version > b.version OR (last.version = b.version AND last.balance_after <> b.posted))`.execute(
        trx,
      );
      return rows.map(({ fault }) => fault);
    });
}

/** In one snapshot: every open and closed quarter has all of its partitions, attached, once. */
async function catalogFaults({ database }: JobHouse): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    SELECT concat_ws(' ', q.quarter, 'is', q.state, 'and', t.name, 'has', count(i.inhrelid), 'partitions of it') AS fault
    FROM quartermaster.quarters AS q
    CROSS JOIN (VALUES ('transactions'), ('entries')) AS t (name)
    LEFT JOIN pg_catalog.pg_class AS c
      ON c.relnamespace = 'ledger'::regnamespace AND c.relname = t.name || '_' || q.quarter
    LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid AND i.inhparent = ('ledger.' || t.name)::regclass
    WHERE q.state IN ('open', 'closed', 'restored')
    GROUP BY q.quarter, q.state, t.name HAVING count(i.inhrelid) <> 1`.execute(database.direct);
  return rows.map(({ fault }) => fault);
}

/** Where each transaction is, by its key: in the tables where they are, else in the archive. */
export async function findAll(
  house: JobHouse,
  readArchived: (files: readonly string[]) => Promise<readonly { key: string; id: string }[]>,
): Promise<{ readonly found: ReadonlyMap<string, string>; readonly faults: string[] }> {
  const db = house.database.direct;
  const catalog = await readCatalog(db);
  const found = new Map<string, string>();
  const faults: string[] = [];
  for (const { quarter, state } of await readQuarters(db)) {
    const table = catalog.find((one) => one.quarter === quarter && one.table === 'transactions');
    const rows =
      table !== undefined
        ? (
            await sql<{ key: string; id: string }>`
              SELECT coalesce(reference_code, '') AS key, id FROM ${sql.table(`ledger.${table.name}`)}`.execute(
              db,
            )
          ).rows
        : out.includes(state)
          ? await readArchived(await filesOf(house, quarter))
          : [];
    for (const { key, id } of rows) {
      if (found.has(key))
        faults.push(`${key} is there twice, as ${found.get(key)} and as ${id} in ${quarter}`);
      found.set(key, id);
    }
  }
  return { found, faults };
}

async function filesOf({ quarters: { store, ledgerSet } }: JobHouse, quarter: string): Promise<string[]> {
  const files = await store.list(`${archiveFolder(ledgerSet, quarter)}/transactions`);
  return files.flatMap(({ path }) => store.localPath?.(path) ?? []);
}
