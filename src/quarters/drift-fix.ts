import { sql } from 'kysely';
import { assert } from '../core/errors.ts';
import { type QuarterTable, quarterTables } from '../core/tables.ts';
import { BOUNDS_CONSTRAINT } from '../db/catalog.ts';
import { identifier } from '../db/identifier.ts';
import { withQuarterLock, withShortLock } from '../db/locks.ts';
import { withLongStatements } from '../db/long-statement.ts';
import { buildPartitionIndex, dropLeftoverIndex } from '../db/partition-index.ts';
import type { Db, Trx } from '../db/schema.ts';
import { attempt, type Failure } from './attempt.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { readDifferences } from './drift.ts';
import type { Aspect, Difference } from './drift-read.ts';
import { remedyOf } from './drift-remedy.ts';
import { recordEvent } from './registry.ts';

/** A difference that was mended, or would be. */
export interface Repair {
  readonly code: string;
  readonly quarter: string;
  readonly relation: string;
  /** The statements. */
  readonly did: readonly string[];
}

/** Who owns a partition decides what else may be done there, so that comes first. */
const order: readonly Aspect[] = [
  'owner',
  'grants',
  'defaults',
  'statistics',
  'storage',
  'bounds',
  'indexes',
];

/** What `mendStructure` would do, without doing it. */
export function plannedRepairs(differences: readonly Difference[]): Repair[] {
  return differences.flatMap((difference) => {
    const { mends, statements, indexes, leftovers, bounds } = remedyOf(difference);
    const { partition } = difference;
    if (!mends) return [];
    return [
      repairOf(difference, [
        ...statements,
        ...leftovers.map((name) => `DROP INDEX ${identifier(partition.schema, name)}`),
        ...indexes.map((name) => `${indexText(name)} ON ${identifier(partition.schema, partition.name)}`),
        ...(bounds === undefined ? [] : boundsSql(difference, bounds)),
      ]),
    ];
  });
}

/**
 * Mends what can be mended without reading or changing a row and without keeping anybody waiting: each difference by
 * itself, looked at again under the quarter's lock and written into the quarter's story with it. A failure is
 * reported, and the others are mended all the same.
 */
export async function mendStructure(
  house: QuarterHouse,
  session: Db,
  run: QuarterRun,
  failed: Failure[],
): Promise<Repair[]> {
  const repairs: Repair[] = [];
  const planned = plannedRepairs(await readDifferences(session));
  for (const [relation, [first]] of Map.groupBy(planned, (one) => one.relation)) {
    if (first === undefined) continue;
    await attempt(relation, run, failed, () =>
      withQuarterLock(session, first.quarter, async (locked) => {
        for (const aspect of order) {
          await attempt(relation, run, failed, async () => {
            // Read anew each time: with another owner the grants are others.
            const name = relation.slice(relation.indexOf('.') + 1);
            const found = (await readDifferences(locked, name)).find((one) => one.aspect === aspect);
            if (found === undefined || !remedyOf(found).mends) return;
            await run.step?.(`repair.before.${aspect}`);
            repairs.push(await mend(house, locked, run, found));
            await run.step?.(`repair.after.${aspect}`);
          });
        }
      }),
    );
  }
  return repairs;
}

async function mend(
  house: QuarterHouse,
  session: Db,
  run: QuarterRun,
  difference: Difference,
): Promise<Repair> {
  const { partition, quarter = '', code } = difference;
  const { statements, indexes, leftovers, bounds } = remedyOf(difference);
  const relation = `${partition.schema}.${partition.name}`;
  const table = tableOf(difference);
  const { signal, onBlocked } = run;
  const options = { signal, onBlocked, pool: house.database.direct };
  const relations: [string, string][] = [[partition.schema, partition.name]];
  const record = (trx: Trx, did: readonly string[]) =>
    recordEvent(trx, quarter, 'repair', run, { relation, code, did });
  const did: string[] = [];

  const alter = async (texts: readonly string[]) => {
    if (texts.length === 0) return;
    await withShortLock(
      session,
      async (trx) => {
        // A default names what it needs in full, and nothing of another schema is to be found before that.
        await sql`SELECT set_config('search_path', 'pg_catalog', true)`.execute(trx);
        await sql.raw(texts.join(';\n')).execute(trx);
        await record(trx, texts);
      },
      { ...options, relations },
    );
    did.push(...texts);
  };

  await alter(statements);
  for (const name of leftovers) {
    const text = `DROP INDEX ${identifier(partition.schema, name)}`;
    await dropLeftoverIndex(session, table, quarter, name, options, (trx) => record(trx, [text]));
    did.push(text);
  }
  for (const name of indexes) {
    const text = `${indexText(name)} ON ${identifier(partition.schema, partition.name)}`;
    await buildPartitionIndex(session, table, quarter, name, options, (trx, made) =>
      record(trx, [`${text} as ${made}`]),
    );
    did.push(text);
  }
  if (bounds !== undefined) {
    const texts = boundsSql(difference, bounds);
    const validate = texts.at(-1) ?? '';
    await alter(texts.slice(0, -1));
    // Reads the whole partition, under a lock that readers and writers do not notice.
    await withLongStatements(session, { ...options, relations }, () =>
      session.transaction().execute(async (trx) => {
        await sql.raw(validate).execute(trx);
        await record(trx, [validate]);
      }),
    );
    did.push(validate);
  }
  return repairOf(difference, did);
}

/** Made NOT VALID first, which takes a moment, for to make it valid at once would keep everybody out for as long as it reads. */
function boundsSql({ partition, lacks }: Difference, bounds: 'add' | 'validate'): string[] {
  const table = identifier(partition.schema, partition.name);
  const name = identifier(BOUNDS_CONSTRAINT);
  const [from, to] = (lacks[0]?.text ?? '').split(' to ');
  const add = `ALTER TABLE ${table} ADD CONSTRAINT ${name} CHECK (created_at >= '${from}' AND created_at < '${to}') NOT VALID`;
  return [...(bounds === 'add' ? [add] : []), `ALTER TABLE ${table} VALIDATE CONSTRAINT ${name}`];
}

function indexText(name: string): string {
  return `CREATE INDEX CONCURRENTLY like ${name}`;
}

function tableOf({ parent }: Difference): QuarterTable {
  const table = quarterTables.find((one) => one.schema === parent.schema && one.name === parent.name);
  assert(table, `${parent.schema}.${parent.name} is not kept in quarters`);
  return table;
}

function repairOf({ code, quarter = '', partition }: Difference, did: readonly string[]): Repair {
  return { code, quarter, relation: `${partition.schema}.${partition.name}`, did };
}
