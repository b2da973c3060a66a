import { sql } from 'kysely';
import type { AppError } from '../core/errors.ts';
import { type BuildOptions, type BuildReport, buildIndex } from './concurrent-index.ts';
import { parseIndexFile } from './index-file.ts';
import { readWanted } from './index-shape.ts';
import { type Blocker, namedLockSql, withNamedLock } from './locks.ts';
import type { Db } from './schema.ts';

/**
 * Everything that builds an index, or builds one anew, while others work holds this lock: of two such statements each may wait for
 * the snapshot of the other, and PostgreSQL would end one of them.
 */
export const INDEX_LOCK = 'index care';

/** SQL: true while somebody holds it. */
export const INDEX_LOCK_HELD = `EXISTS (${namedLockSql(INDEX_LOCK)})`;

/** Who holds it, and who builds an index without. */
export async function readBuilders(db: Db): Promise<Blocker[]> {
  const { rows } = await sql<Blocker>`
    SELECT a.pid, coalesce(a.application_name, '') AS application, coalesce(a.state, '') AS state,
           coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8 AS "transactionAge"
    FROM pg_catalog.pg_stat_activity AS a
    WHERE a.pid IN (${sql.raw(namedLockSql(INDEX_LOCK))}) OR a.pid IN (
      SELECT b.pid FROM pg_catalog.pg_stat_progress_create_index AS b WHERE b.datname = current_database())
    ORDER BY "transactionAge" DESC`.execute(db);
  return rows;
}

export interface FileBuildOptions extends Omit<BuildOptions, 'pool'> {
  /** Told of an index that is done, or was there. */
  readonly onIndex?: ((report: BuildReport) => void) | undefined;
  /** Asked under the lock: if not, nothing is built. */
  readonly isWanted?: ((session: Db) => Promise<boolean>) | undefined;
}

/**
 * Builds the indexes of a file, one after the other. All statements are read by PostgreSQL before the first one is built.
 *
 * @param direct connections by no pooler; two of them are used
 * @throws AppError invalid/bad_index_file, invalid/index_refused, busy/already_running, and whatever `buildIndex` does
 */
export async function buildIndexFile(
  direct: Db,
  file: { readonly name: string; readonly text: string },
  options: FileBuildOptions = {},
): Promise<BuildReport[]> {
  const statements = parseIndexFile(file.text, file.name);
  return withNamedLock(direct, INDEX_LOCK, async (session) => {
    if (options.isWanted !== undefined && !(await options.isWanted(session))) return [];
    const wanted = [];
    for (const statement of statements) wanted.push(await readWanted(session, statement, file.name));
    const reports: BuildReport[] = [];
    for (const index of wanted) {
      const report = await buildIndex(session, index, { ...options, pool: direct });
      options.onIndex?.(report);
      reports.push(report);
    }
    return reports;
  });
}

/** True while somebody else builds: whoever has to wait for that tries again. */
export function isBeingBuilt({ code }: AppError): boolean {
  return code === 'already_running' || code === 'index_being_built' || code === 'serialization';
}
