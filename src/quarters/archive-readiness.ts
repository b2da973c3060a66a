import { isDone } from '../core/lifecycle.ts';
import { readQuarterPartitions } from '../db/catalog.ts';
import type { Db } from '../db/schema.ts';
import { archiveFolder } from './archives.ts';
import type { QuarterHouse } from './context.ts';
import { nothingToDo, type Obstacle, type Outlook, stateObstacle } from './outlook.ts';
import type { QuarterRow } from './registry.ts';
import { staleObstacle } from './stale.ts';

/** What an archive of the quarter finds, but for the approval of a second person, and would do. */
export async function readinessOf(house: QuarterHouse, db: Db, row: QuarterRow): Promise<Outlook> {
  const { quarter } = row;
  if (isDone('archive', row.state)) return nothingToDo;
  const wrongState = stateObstacle(quarter, row.state, 'archive');
  // What else could be said of a quarter that is not closed would only confuse.
  if (wrongState.length > 0) return { done: false, obstacles: wrongState, steps: [] };
  const obstacles: Obstacle[] = staleObstacle(row);
  for (const { table, attachment, fenced } of await readQuarterPartitions(db, quarter)) {
    const name = `${table.schema}.${table.name}`;
    if (attachment === 'missing') {
      const detail = `The partition of ${name} for ${quarter} is gone, and it was neither archived nor detached. Restore it from a backup.`;
      obstacles.push({ code: 'partition_missing', kind: 'conflict', detail });
    } else if (!fenced) {
      const detail = `The partition of ${name} for ${quarter} takes rows, though the quarter is closed. Run \`quartermaster reconcile --fix\`: it fences the quarter again when it still holds what was closed.`;
      obstacles.push({ code: 'partition_not_fenced', kind: 'conflict', detail });
    }
  }
  const parts = await db
    .selectFrom('quartermaster.archive_parts')
    .select((part) => part.fn.countAll<bigint>().as('count'))
    .where('quarter', '=', quarter)
    .where('digest', '=', row.digest ?? '')
    .executeTakeFirstOrThrow();
  const rows = (row.transactions ?? 0n) + (row.entries ?? 0n);
  const resumed = parts.count === 0n ? '' : `; ${parts.count} parts of an earlier run are there already`;
  return {
    done: false,
    obstacles,
    steps: [
      `copy ${rows} rows of ${quarter} as Parquet to ${house.store.url}/${archiveFolder(house.ledgerSet, quarter)}${resumed}`,
      'read every part back from there and compare it with what was fixed at close',
      'write the manifest, which names the one before it, and mark the quarter archived',
    ],
  };
}
