import type { ManifestTable } from '../archive/manifest.ts';
import type { RowsOf } from '../archive/unload.ts';
import { AppError } from '../core/errors.ts';
import type { Quarter } from '../core/quarter.ts';
import type { QuarterTable } from '../core/tables.ts';
import type { ParentTable } from '../db/catalog.ts';
import { loadTable } from '../db/copy-in.ts';
import { identifier } from '../db/identifier.ts';
import { buildIndexes, type Relation } from '../db/index-build.ts';
import { withLongStatements } from '../db/long-statement.ts';
import { fenceSql, likeTableSql, rightsSql } from '../db/partition.ts';
import type { Db } from '../db/schema.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { contentOf, promisedContent } from './proof.ts';

/** What a table is restored with. */
export interface LoadPlace {
  readonly house: QuarterHouse;
  readonly run: QuarterRun;
  /** Holds the quarter's lock; what it counts is counted on it. */
  readonly session: Db;
  readonly rowsOf: RowsOf;
  /** Throws when the quarter's lock is not ours any more. */
  readonly requireLock: () => Promise<void>;
}

/**
 * Makes a quarter's own table again from its archive: like its parent in all but the indexes, which are built when the rows
 * are in, and closed to every row from the moment it can be seen.
 */
export async function loadOwnTable(
  { house, run, rowsOf, requireLock }: LoadPlace,
  parent: ParentTable,
  quarter: Quarter,
  promised: ManifestTable,
  [schema, name]: Relation,
): Promise<void> {
  const quoted = identifier(schema, name);
  await loadTable(
    house.database,
    {
      create: likeTableSql(parent.table, quoted, quarter, 'INCLUDING ALL EXCLUDING INDEXES'),
      schema,
      name,
      columns: promised.columns.map((column) => column.name),
      // The fence goes up while the table still belongs to us.
      finish: [`${fenceSql(quoted)};`, rightsSql(parent, quoted)].join('\n'),
      beforeCommit: requireLock,
      signal: run.signal,
    },
    rowsOf(promised),
  );
}

/**
 * Builds what indexes a table lacks, on one connection, while its rows are counted on another; both take a core and read the
 * same pages.
 *
 * @throws AppError corrupt/digest_differs when the rows are not those of the manifest
 */
export async function proveTable(
  { house, run, session }: Omit<LoadPlace, 'rowsOf' | 'requireLock'>,
  model: QuarterTable | undefined,
  promised: ManifestTable,
  relation: Relation,
): Promise<void> {
  const other = new AbortController();
  const signal = run.signal === undefined ? other.signal : AbortSignal.any([run.signal, other.signal]);
  const options = { pool: house.database.direct, relations: [relation], onBlocked: run.onBlocked, signal };
  const counting = contentOf(session, options, promised.columns, identifier(...relation));
  const building = house.database.direct.connection().execute((connection) =>
    withLongStatements(connection, options, async () => {
      await buildIndexes(connection, model === undefined ? relation : [model.schema, model.name], relation);
    }),
  );
  // When one fails the other is stopped, and waited for: the table may be dropped next.
  const outcomes = await Promise.allSettled(
    [counting, building].map((work) =>
      work.catch((error: unknown) => {
        other.abort();
        throw error;
      }),
    ),
  );
  const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  const first = failures.find((error) => !(error instanceof AppError && error.kind === 'aborted'));
  if (failures.length > 0) throw first ?? failures[0];
  const found = await counting;
  if (found === promisedContent(promised)) return;
  const detail = `${relation.join('.')} holds other rows than the archive: it has ${found} (rows and digest), and the manifest says ${promisedContent(promised)}. Nothing was attached. If the table is the detached one, somebody changed it: rename it, and restore the quarter from its archive.`;
  throw new AppError('corrupt', 'digest_differs', detail);
}
