import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { verifyChain } from '../../src/archive/chain.ts';
import { MANIFEST } from '../../src/archive/format.ts';
import type { Store } from '../../src/archive/store.ts';
import { type ArchiveVerification, verifyArchive } from '../../src/archive/verify.ts';
import { combineDigests, digestSelect, lanesOf, tableDigest } from '../../src/core/digest.ts';
import { isAppError } from '../../src/core/errors.ts';
import { partitionName, quarterTables } from '../../src/core/tables.ts';
import { readCatalog } from '../../src/db/catalog.ts';
import { partitionSql } from '../../src/db/partition.ts';
import type { Db } from '../../src/db/schema.ts';
import { archiveFolder } from '../../src/quarters/archives.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { type QuarterRow, readQuarters } from '../../src/quarters/registry.ts';

/** What must never change. */
export interface Contents {
  /** The digest of every quarter, by its name. */
  readonly digests: ReadonlyMap<string, string>;
  /** What was found in archives before, by the hash of all their bytes: the same bytes are not read again. */
  readonly archives: Map<string, ArchiveVerification>;
}

/**
 * What must be true of a house whatever was killed in it: every quarter's rows are where its state says, once, and are those
 * it had; its archive is whole and the one that was recorded; and nobody is left that holds or waits for anything.
 *
 * @returns what is wrong, as sentences
 */
export async function requireSound(house: QuarterHouse, contents: Contents): Promise<string[]> {
  const faults: string[] = [];
  const db = house.database.direct;
  const found = await readCatalog(db);
  for (const row of await readQuarters(db)) {
    const mine = found.filter(({ quarter }) => quarter === row.quarter);
    faults.push(...standingFaults(row, mine));
    faults.push(...(await contentFaults(house, row, mine.length, contents)));
  }
  for (const { name, attachment } of found)
    if (attachment === 'detaching') faults.push(`the detach of ${name} is pending`);
  faults.push(...(await balanceFaults(db)), ...(await chainFaults(house)), ...(await leftoverFaults(house)));
  return faults;
}

/** The content digest of each quarter whose tables are there, whoever they are attached to. */
export async function readDigests(house: QuarterHouse): Promise<Map<string, string>> {
  const db = house.database.direct;
  const found = await readCatalog(db);
  const digests = new Map<string, string>();
  for (const { quarter } of await readQuarters(db)) {
    if (found.filter((one) => one.quarter === quarter).length < quarterTables.length) continue;
    digests.set(quarter, await digestOf(db, quarter));
  }
  return digests;
}

async function digestOf(db: Db, quarter: string): Promise<string> {
  const tables = [];
  for (const table of quarterTables) {
    const select = digestSelect(table, 'postgres', partitionSql(table, quarter));
    const { rows } = await sql.raw<Parameters<typeof lanesOf>[0]>(select).execute(db);
    const lanes = lanesOf(rows[0] as Parameters<typeof lanesOf>[0]);
    tables.push({ name: table.name, rows: lanes.rows, digest: tableDigest(lanes) });
  }
  return combineDigests(tables);
}

const attached = ['open', 'closed', 'archived', 'restored'];

/** Each table of a quarter is there once, stands as the state says, and takes rows only while that is open. */
function standingFaults(
  { quarter, state }: QuarterRow,
  mine: readonly { name: string; table: string; attachment: string; fenced: boolean }[],
): string[] {
  return quarterTables.flatMap((table) => {
    const own = mine.filter((one) => one.table === table.name);
    const wanted = attached.includes(state) ? 1 : state === 'detached' ? 1 : 0;
    const name = partitionName(table, quarter);
    if (own.length !== wanted) return [`${quarter} is ${state} and has ${own.length} tables ${name}`];
    return own.flatMap(({ attachment, fenced }) => [
      // A detach that another verb ended half-way leaves an archived quarter that is partly out; the next detach goes on.
      ...(attached.includes(state) === (attachment === 'attached') || state === 'archived'
        ? []
        : [`${quarter} is ${state} and ${name} is ${attachment}`]),
      ...(fenced === (state !== 'open') ? [] : [`${quarter} is ${state} and ${name} is fenced: ${fenced}`]),
    ]);
  });
}

/** The rows, from wherever they are: the tables, the archive, or both. */
async function contentFaults(
  house: QuarterHouse,
  row: QuarterRow,
  tables: number,
  { digests, archives }: Contents,
): Promise<string[]> {
  const { quarter, state, digest } = row;
  const content = digests.get(quarter);
  const faults: string[] = [];
  const expect = (what: string, found: string | null) => {
    if (content !== undefined && found !== content)
      faults.push(`${what} of ${quarter} is ${found} and was ${content}`);
  };
  if (state !== 'planned' && state !== 'open') expect('the recorded digest', digest);
  if (tables === quarterTables.length) expect('the digest', await digestOf(house.database.direct, quarter));
  const recorded = await house.database.direct
    .selectFrom('quartermaster.archives')
    .select(['manifest_sha256', 'digest'])
    .where('quarter', '=', quarter)
    .executeTakeFirst();
  const folder = archiveFolder(house.ledgerSet, quarter);
  const isArchived = ['archived', 'detached', 'dropped', 'restored'].includes(state);
  if (isArchived !== (recorded !== undefined))
    faults.push(`${quarter} is ${state}, and its archive is recorded: ${recorded !== undefined}`);
  try {
    // Every file of the manifest and no other, byte for byte, row for row.
    const archive = await verified(house.store, folder, archives);
    expect('the digest in the archive', archive.digest);
    if (recorded === undefined) faults.push(`${quarter} is ${state} and its folder says that it is archived`);
    else if (recorded.manifest_sha256 !== archive.manifestSha256)
      faults.push(`the archive of ${quarter} is not the one that was recorded`);
  } catch (error) {
    if (!isAppError(error)) throw error;
    if (isArchived || error.code !== 'not_in_store') faults.push(error.detail);
  }
  return faults;
}

async function verified(
  store: Store,
  folder: string,
  known: Contents['archives'],
): Promise<ArchiveVerification> {
  const hash = createHash('sha256');
  for (const { path } of await store.list(folder)) {
    hash.update(`${path.slice(folder.length)}\n`);
    for await (const chunk of await store.open(path)) hash.update(chunk);
  }
  const key = hash.digest('hex');
  const found = known.get(key) ?? (await verifyArchive(store, folder));
  known.set(key, found);
  return found;
}

async function balanceFaults(db: Db): Promise<string[]> {
  const { rows } = await sql<{ fault: string }>`
    SELECT concat_ws(' ', 'the trial balance of', b.quarter, 'in', a.currency, 'is off by', sum(b.debits - b.credits)) AS fault
    FROM ledger.quarter_balances AS b
    JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
    WHERE b.ledger_id IN (SELECT id FROM ledger.ledgers)
    GROUP BY b.ledger_id, b.quarter, a.currency
    HAVING sum(b.debits - b.credits) <> 0 OR bool_or(b.opening + b.credits - b.debits <> b.closing)
    UNION ALL
    SELECT 'the balance of account ' || b.account_id || ' is not that of its last entry'
    FROM ledger.balances AS b
    JOIN LATERAL (
      SELECT e.balance_after, e.version FROM ledger.entries AS e
      WHERE e.ledger_id = b.ledger_id AND e.account_id = b.account_id ORDER BY e.created_at DESC, e.version DESC LIMIT 1
    ) AS last ON last.version = b.version
    WHERE b.ledger_id IN (SELECT id FROM ledger.ledgers) AND last.balance_after <> b.posted`.execute(db);
  return rows.map(({ fault }) => fault);
}

async function chainFaults({ store, ledgerSet }: QuarterHouse): Promise<string[]> {
  const files = await store.list(ledgerSet);
  if (!files.some(({ path }) => path.endsWith(`/${MANIFEST}`))) return [];
  return verifyChain(store, ledgerSet).then(
    () => [],
    (error: Error) => [error.message],
  );
}

/** Somebody else may hold a lock or a transaction of this database for another moment: killed sessions end in their time. */
async function leftoverFaults({ database }: QuarterHouse): Promise<string[]> {
  const deadline = performance.now() + 5000;
  for (;;) {
    const { rows } = await sql<{ fault: string }>`
      SELECT 'an advisory lock is held by ' || l.pid AS fault FROM pg_catalog.pg_locks AS l
      WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
      UNION ALL
      SELECT 'a session is ' || a.state || ': ' || left(a.query, 60) FROM pg_catalog.pg_stat_activity AS a
      WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
        AND (a.state LIKE 'idle in transaction%' OR a.state = 'active')
      UNION ALL
      SELECT 'the temporary table ' || c.relname || ' is left' FROM pg_catalog.pg_class AS c
      WHERE c.relpersistence = 't' AND c.relkind = 'r'`.execute(database.direct);
    if (rows.length === 0 || performance.now() > deadline) return rows.map(({ fault }) => fault);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
