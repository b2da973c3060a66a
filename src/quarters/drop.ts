import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { partitionName } from '../core/tables.ts';
import { dropTables } from '../db/drop-tables.ts';
import { withQuarterLock, withShortLock } from '../db/locks.ts';
import { type OwnTable, readOwnTables } from '../db/own-tables.ts';
import { fencePartitions, partitionSql } from '../db/partition.ts';
import type { Db, Trx } from '../db/schema.ts';
import { approvalObstacle, requireApproval } from './approvals.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Obstacle, type Outlook, requireClear, stateObstacle } from './outlook.ts';
import {
  archiveObstacles,
  contentOf,
  heldObstacle,
  type KnownArchive,
  lockQuarter,
  noteDamage,
  promisedContent,
  proveArchive,
  tableIn,
} from './proof.ts';
import { reasonObstacle } from './reason.ts';
import { advance, type QuarterRow, readQuarter, recordEvent } from './registry.ts';

export interface DropReport {
  readonly quarter: string;
  /** Tables that this run dropped. */
  readonly dropped: readonly string[];
  /** Tables that were gone before: somebody dropped them by hand. */
  readonly missing: readonly string[];
  /** Of the rows, as the archive and the tables both had them; undefined when it was dropped before. */
  readonly digest: string | undefined;
}

/**
 * Drops the tables of a detached quarter, of which the archive is all there is from then on. So the archive is read from the
 * store once more, every byte and row of it, and the tables are counted once more: both have to hold what was closed.
 * Then everything goes in one short transaction; killed anywhere, all of it is done or nothing.
 *
 * A quarter that is dropped already may have tables again, which a restore left when it was killed: they go the same way.
 *
 * @throws AppError refused/quarter_held, conflict/quarter_state, conflict/partition_attached, conflict/approval_required
 * @throws AppError corrupt/archive_damaged, corrupt/digest_differs: nothing was dropped
 */
export async function dropQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<DropReport> {
  return withQuarterLock(house.database.direct, quarter, async (session) => {
    const row = await readQuarter(session, quarter);
    const tables = await readOwnTables(session, quarter);
    const outlook = await outlookOf(session, run, row, tables);
    if (outlook.done) return { quarter, dropped: [], missing: [], digest: undefined };
    requireClear(outlook);
    const approval = await requireApproval(house, session, run, row, 'drop');
    const archive = await noteDamage(session, run, quarter, () => proveArchive(house, run, session, row));
    await run.step?.('drop.verified');
    const present = tables.filter(({ oid }) => oid !== undefined);
    await countAgain(house, run, session, row, archive, present);
    await run.step?.('drop.counted');

    const dropped = present.map(({ table }) => table.name);
    const missing = tables.filter(({ oid }) => oid === undefined).map(({ table }) => table.name);
    const at = house.clock.now();
    const { digest } = archive.manifest;
    const detail = {
      dropped,
      missing,
      digest,
      requested_by: approval?.requested_by,
      approved_by: approval?.approved_by,
    };
    await withShortLock(
      session,
      async (trx) => {
        await requireUnchanged(trx, row, present);
        await dropTables(
          trx,
          present.map(({ table }) => partitionSql(table, quarter)),
        );
        await forgetContext(trx, quarter);
        await trx
          .updateTable('quartermaster.archives')
          .set({ verified_at: at })
          .where('quarter', '=', quarter)
          .execute();
        if (row.state === 'dropped') await recordEvent(trx, quarter, 'drop', run, detail);
        else await advance(trx, quarter, 'drop', run, { dropped_at: at, verified_at: at }, detail);
        await run.step?.('drop.dropped');
      },
      { ...run, relations: relationsOf(present, quarter) },
    );
    await run.step?.('drop.committed');
    return { quarter, dropped, missing, digest };
  });
}

export async function previewDrop(house: QuarterHouse, run: QuarterRun, quarter: string): Promise<Outlook> {
  const db = house.database.direct;
  const row = await readQuarter(db, quarter);
  const outlook = await outlookOf(db, run, row, await readOwnTables(db, quarter));
  if (outlook.done) return outlook;
  return {
    ...outlook,
    obstacles: [...outlook.obstacles, ...(await approvalObstacle(house, db, row, 'drop'))],
  };
}

/** All but the approval, which the verb asks for only when nothing else is in the way. */
async function outlookOf(
  db: Db,
  run: QuarterRun,
  row: QuarterRow,
  tables: readonly OwnTable[],
): Promise<Outlook> {
  const { quarter, state } = row;
  const present = tables.filter(({ oid }) => oid !== undefined);
  if (state === 'dropped' && present.length === 0) return nothingToDo;
  const names = present.map(({ table }) => partitionName(table, quarter));
  return {
    done: false,
    obstacles: [
      ...reasonObstacle(run, 'drop', quarter),
      ...(state === 'dropped' ? [] : stateObstacle(quarter, state, 'drop')),
      ...heldObstacle(row),
      ...(state === 'dropped' || state === 'detached'
        ? [...(await archiveObstacles(db, row)), ...present.flatMap((one) => tableObstacle(one, quarter))]
        : []),
    ],
    steps: [
      `read the whole archive of ${quarter} from the store and hold it against what was closed`,
      ...(names.length > 0 ? [`count the rows of ${names.join(' and ')} once more`] : []),
      `drop ${names.join(' and ') || 'no table, for they are gone already'}`,
    ],
  };
}

function tableObstacle({ table, attachment, isPlain }: OwnTable, quarter: string): Obstacle[] {
  const name = `${table.schema}.${partitionName(table, quarter)}`;
  if (attachment === 'attached') {
    const detail = `${name} is attached to ${table.name}, though ${quarter} is not. Somebody did that by hand: detach it (ALTER TABLE … DETACH PARTITION … CONCURRENTLY).`;
    return [{ code: 'partition_attached', kind: 'conflict', detail }];
  }
  if (attachment === 'detaching') {
    const detail = `The detach of ${name} was interrupted. Run \`quartermaster run reconcile-partitions\`, which ends it.`;
    return [{ code: 'partition_attached', kind: 'conflict', detail }];
  }
  if (isPlain) return [];
  const detail = `${name} is no plain table of its own, so it was not made here. Rename it, or move it to another schema.`;
  return [{ code: 'relation_in_the_way', kind: 'conflict', detail }];
}

/** The tables have to hold what was closed, and nobody may change them any more from before they are counted. */
async function countAgain(
  house: QuarterHouse,
  run: QuarterRun,
  session: Db,
  { quarter }: QuarterRow,
  { manifest }: KnownArchive,
  present: readonly OwnTable[],
): Promise<void> {
  const unfenced = present.filter(({ fenced }) => !fenced).map(({ table }) => table);
  await fencePartitions(session, unfenced, quarter, run);
  for (const { table } of present) {
    const promised = tableIn(manifest, table.name);
    const options = { ...run, pool: house.database.direct, relations: relationsOf([{ table }], quarter) };
    const found = await contentOf(session, options, promised.columns, partitionSql(table, quarter));
    if (found !== promisedContent(promised)) {
      const detail = `${table.schema}.${partitionName(table, quarter)} holds other rows than were closed: it has ${found} (rows and digest), and the archive has ${promisedContent(promised)}. Nothing was dropped; find out what changed it.`;
      throw new AppError('corrupt', 'digest_differs', detail);
    }
  }
}

/** What was proved has to be so still, in the transaction that drops. */
async function requireUnchanged(trx: Trx, row: QuarterRow, present: readonly OwnTable[]): Promise<void> {
  const now = await lockQuarter(trx, row.quarter);
  requireClear({ done: false, steps: [], obstacles: heldObstacle(now) });
  if (now.state !== row.state || now.digest !== row.digest) {
    const detail = `${row.quarter} became ${now.state} in the meantime. Nothing was dropped; look at it and try again.`;
    throw new AppError('conflict', 'quarter_state', detail);
  }
  const found = await readOwnTables(trx, row.quarter);
  for (const { table, oid } of present) {
    const one = found.find((other) => other.table === table);
    const same = one?.oid === oid && one?.attachment === 'standalone' && one.isPlain && one.fenced;
    if (same) continue;
    const detail = `${table.schema}.${partitionName(table, row.quarter)} was changed while it was looked at. Nothing was dropped; try again.`;
    throw new AppError('busy', 'partition_changed', detail);
  }
}

/** The reference data of the quarter are in its archive. */
async function forgetContext(trx: Trx, quarter: string): Promise<void> {
  await sql`
    DELETE FROM ledger.quarter_accounts
    WHERE ledger_id IN (SELECT id FROM ledger.ledgers) AND quarter = ${quarter}`.execute(trx);
  await trx.deleteFrom('quartermaster.quarter_currencies').where('quarter', '=', quarter).execute();
}

function relationsOf(tables: readonly Pick<OwnTable, 'table'>[], quarter: string): [string, string][] {
  return tables.map(({ table }) => [table.schema, partitionName(table, quarter)]);
}
