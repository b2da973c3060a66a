import { sql } from 'kysely';
import { archiveTables } from '../archive/format.ts';
import { checkFiles } from '../archive/unload.ts';
import { transitionOf } from '../core/lifecycle.ts';
import { readParents } from '../db/catalog.ts';
import { constraintsSql, readIndexNeeds } from '../db/index-build.ts';
import { withShortLock } from '../db/locks.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Obstacle, type Outlook, requireClear, stateObstacle } from './outlook.ts';
import { archiveObstacles, noteDamage, readKnownManifest } from './proof.ts';
import { reasonObstacle } from './reason.ts';
import { type QuarterRow, readQuarter, recordEvent } from './registry.ts';
import { loadCopy, modelsOf, readersOf } from './restore-into-load.ts';
import { untilObstacle, untilOf } from './restore-until.ts';
import {
  copyName,
  dropCopy,
  ensureSchema,
  lockOptions,
  readSideCopy,
  type SideCopy,
  schemaObstacle,
} from './side-copy.ts';

export interface CopyReport {
  readonly quarter: string;
  readonly restored: boolean;
  readonly extended: boolean;
  readonly into: string;
  readonly until: Date;
  readonly loaded: readonly string[];
  readonly digest: string | undefined;
}

/**
 * Copies a quarter from its archive into a schema beside the ledger's, reference data and trial balance included, read-only and
 * for a time. The quarter itself and its state are left alone. Killed, it leaves tables that the next run replaces; the
 * row of the copy comes last.
 *
 * @param session that holds the quarter's lock
 * @throws AppError invalid/invalid_schema, conflict/relation_exists, conflict/quarter_state
 * @throws AppError corrupt/archive_damaged, corrupt/digest_differs: nothing stays
 */
export async function restoreCopy(
  house: QuarterHouse,
  run: QuarterRun,
  session: Db,
  quarter: string,
  into: string,
): Promise<CopyReport> {
  requireClear({ done: false, steps: [], obstacles: schemaObstacle(into) });
  const row = await readQuarter(session, quarter);
  const copy = await readSideCopy(session, quarter, into);
  if (isWhole(copy, quarter)) return extendCopy(house, run, session, quarter, copy);
  requireClear(await outlookOf(house, run, session, row, copy));
  const { folder, manifest } = await noteDamage(session, run, quarter, async () => {
    const known = await readKnownManifest(house, session, row);
    await checkFiles(house.store, known.folder, known.manifest, run);
    return known;
  });
  await dropCopy(session, run, copy);
  await run.step?.('restore.checked');
  const parents = await readParents(session);
  const readers = readersOf(parents);
  await ensureSchema(session, into, readers);
  await run.step?.('restore.schema');
  const bounds = { name: quarter, start: row.starts_at, end: row.ends_at };
  const until = untilOf(house, run);
  try {
    await noteDamage(session, run, quarter, () =>
      loadCopy({ house, run, session, quarter: bounds, into, parents, readers, folder, manifest }),
    );
    const names = manifest.tables.map(({ name }) => copyName(name, quarter));
    await withShortLock(
      session,
      async (trx) => {
        for (const { table, relation } of await modelsOf(trx, manifest, quarter, into)) {
          const needs = await readIndexNeeds(trx, [table.schema, table.name], relation);
          const constraints = constraintsSql(relation, needs);
          if (constraints !== '') await sql.raw(constraints).execute(trx);
        }
        const values = {
          reason: run.reason?.trim() ?? '',
          restored_by: run.actor,
          restored_at: house.clock.now(),
          expires_at: until,
        };
        await trx
          .insertInto('quartermaster.restores')
          .values({ quarter, schema_name: into, ...values })
          .onConflict((conflict) => conflict.columns(['quarter', 'schema_name']).doUpdateSet(values))
          .execute();
        await recordEvent(trx, quarter, 'restore', run, {
          into,
          until,
          tables: names,
          digest: manifest.digest,
        });
        await run.step?.('restore.attached');
      },
      lockOptions(run, { ...copy, tables: names }),
    );
  } catch (error) {
    // Even when it was asked to stop.
    const left = await readSideCopy(session, quarter, into).catch(() => undefined);
    if (left !== undefined) await dropCopy(session, { ...run, signal: undefined }, left).catch(() => {});
    throw error;
  }
  await run.step?.('restore.committed');
  const loaded = manifest.tables.map(({ name }) => name);
  return { quarter, restored: true, extended: false, into, until, loaded, digest: manifest.digest };
}

export async function previewCopy(
  house: QuarterHouse,
  run: QuarterRun,
  db: Db,
  quarter: string,
  into: string,
): Promise<Outlook> {
  const row = await readQuarter(db, quarter);
  const copy = await readSideCopy(db, quarter, into);
  if (!isWhole(copy, quarter)) return outlookOf(house, run, db, row, copy);
  if (!isLater(run, copy)) return nothingToDo;
  const obstacles = untilObstacle(house, run, quarter);
  return { done: false, obstacles, steps: [`the copy in ${into} stays until ${run.until?.toISOString()}`] };
}

/** Finished, and nobody has dropped any of it since. */
function isWhole({ tables, expiresAt }: SideCopy, quarter: string): boolean {
  return (
    expiresAt !== undefined && archiveTables.every(({ name }) => tables.includes(copyName(name, quarter)))
  );
}

function isLater({ until }: QuarterRun, { expiresAt }: SideCopy): boolean {
  return until !== undefined && expiresAt !== undefined && until > expiresAt;
}

async function extendCopy(
  house: QuarterHouse,
  run: QuarterRun,
  session: Db,
  quarter: string,
  copy: SideCopy,
): Promise<CopyReport> {
  const into = copy.schema;
  const extended = isLater(run, copy);
  const until = (extended ? run.until : copy.expiresAt) ?? untilOf(house, run);
  if (extended) {
    requireClear({ done: false, steps: [], obstacles: untilObstacle(house, run, quarter) });
    await session.transaction().execute(async (trx) => {
      await trx
        .updateTable('quartermaster.restores')
        .set({ expires_at: until })
        .where('quarter', '=', quarter)
        .where('schema_name', '=', into)
        .execute();
      await recordEvent(trx, quarter, 'restore_extended', run, { into, until, before: copy.expiresAt });
    });
  }
  return { quarter, restored: false, extended, into, until, loaded: [], digest: undefined };
}

async function outlookOf(
  house: QuarterHouse,
  run: QuarterRun,
  db: Db,
  row: QuarterRow,
  { schema, hasSchema, tables, strangers }: SideCopy,
): Promise<Outlook> {
  const { quarter, state } = row;
  const names = archiveTables.map(({ name }) => copyName(name, quarter));
  const hasArchive = transitionOf('verify').from.includes(state);
  const clash: Obstacle[] = names
    .filter((name) => strangers.includes(name))
    .map((name) => {
      const detail = `${schema}.${name} is there and is no copy of ours. Rename it, or name another schema.`;
      return { code: 'relation_exists', kind: 'conflict', detail };
    });
  return {
    done: false,
    obstacles: [
      ...schemaObstacle(schema),
      ...reasonObstacle(run, 'restore', quarter),
      ...untilObstacle(house, run, quarter),
      ...(hasArchive ? await archiveObstacles(db, row) : stateObstacle(quarter, state, 'verify')),
      ...clash,
    ],
    steps: [
      'compare every file of the archive with its SHA-256',
      ...(tables.length > 0
        ? [`drop ${tables.join(', ')} of ${schema}, which are of an unfinished copy`]
        : []),
      ...(hasSchema ? [] : [`make the schema ${schema}`]),
      ...names.map(
        (name) => `make ${schema}.${name} from the archive and compare its rows with the manifest`,
      ),
      `the copy stays until ${untilOf(house, run).toISOString()}; ${quarter} itself stays ${state}`,
    ],
  };
}
