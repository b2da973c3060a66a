import { withShortLock } from '../db/locks.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterRun } from './context.ts';
import { nothingToDo, type Outlook, requireClear } from './outlook.ts';
import { archiveObstacles, heldObstacle, lockQuarter } from './proof.ts';
import { type QuarterRow, readQuarter, recordEvent } from './registry.ts';
import {
  dropCopyIn,
  dropEmptySchema,
  lockOptions,
  readSideCopy,
  type SideCopy,
  schemaObstacle,
} from './side-copy.ts';

/**
 * Drops the copy of a quarter in a schema of its own, and the schema when we made it and it is empty then. Refused while
 * the archive is known to be damaged: the copy may be what is left of it.
 *
 * @param session that holds the quarter's lock
 * @throws AppError refused/quarter_held, corrupt/archive_damaged, invalid/invalid_schema
 */
export async function releaseCopy(
  run: QuarterRun,
  session: Db,
  quarter: string,
  into: string,
  dueAt?: Date,
): Promise<{ quarter: string; into: string; released: string[] }> {
  const copy = await readSideCopy(session, quarter, into);
  if (isExtended(copy.expiresAt, dueAt)) return { quarter, into, released: [] };
  const outlook = await outlookOf(session, await readQuarter(session, quarter), copy);
  requireClear(outlook);
  if (outlook.done) return { quarter, into, released: [] };
  await withShortLock(
    session,
    async (trx) => {
      const held = heldObstacle(await lockQuarter(trx, quarter));
      requireClear({ done: false, steps: [], obstacles: held });
      await dropCopyIn(trx, copy);
      const schemaDropped = await dropEmptySchema(trx, into);
      await trx
        .deleteFrom('quartermaster.restores')
        .where('quarter', '=', quarter)
        .where('schema_name', '=', into)
        .execute();
      await recordEvent(trx, quarter, 'release', run, {
        into,
        tables: copy.tables,
        schema_dropped: schemaDropped,
      });
      await run.step?.('release.recorded');
    },
    lockOptions(run, copy),
  );
  await run.step?.('release.committed');
  return { quarter, into, released: [...copy.tables] };
}

/** Somebody wants it for longer than until it was due. */
export function isExtended(until: Date | null | undefined, dueAt: Date | undefined): boolean {
  return dueAt !== undefined && until !== undefined && until !== null && until > dueAt;
}

export async function previewCopyRelease(db: Db, quarter: string, into: string): Promise<Outlook> {
  return outlookOf(db, await readQuarter(db, quarter), await readSideCopy(db, quarter, into));
}

async function outlookOf(db: Db, row: QuarterRow, copy: SideCopy): Promise<Outlook> {
  const { schema, tables, expiresAt } = copy;
  const invalid = schemaObstacle(schema);
  if (invalid.length > 0) return { done: false, obstacles: invalid, steps: [] };
  if (tables.length === 0 && expiresAt === undefined) return nothingToDo;
  return {
    done: false,
    obstacles: [...heldObstacle(row), ...(await archiveObstacles(db, row))],
    steps: [
      ...tables.map((name) => `drop ${schema}.${name}`),
      `drop the schema ${schema} when it was made for copies and is empty then`,
    ],
  };
}
