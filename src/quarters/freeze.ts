import { partitionName, type QuarterTable, quarterTables } from '../core/tables.ts';
import { type FrozenPages, freezeTable, oldestSnapshot, readFrozenPages } from '../db/frozen.ts';
import type { Relation } from '../db/index-build.ts';
import { withNamedLock } from '../db/locks.ts';
import { type OwnTable, readOwnTables } from '../db/own-tables.ts';
import type { Db, Trx } from '../db/schema.ts';
import { attempt, type Failure } from './attempt.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { type QuarterRow, readQuarters, recordEvent } from './registry.ts';

export interface FreezeReport {
  /** Quarters whose every page is frozen since this run. */
  readonly frozen: readonly string[];
  /** Vacuumed, but with rows that somebody might not see yet; the next run does the rest. */
  readonly heldBack: readonly {
    readonly quarter: string;
    readonly relation: string;
    readonly pages: number;
    readonly pid: number | null;
    readonly by: string;
  }[];
  /** Left for the next run, because these sessions wanted the table. */
  readonly gaveWay: readonly {
    readonly quarter: string;
    readonly relation: string;
    readonly to: readonly number[];
  }[];
  readonly failed: readonly Failure[];
}

type Mutable = { -readonly [K in keyof FreezeReport]: FreezeReport[K][number][] };

/** States in which no row comes or goes, and there may be tables. */
const resting: readonly QuarterRow['state'][] = ['closed', 'archived', 'detached', 'restored'];

/** A quarter whose tables are all there, fenced, and part of the ledger's or for themselves. */
interface Resting {
  readonly tables: readonly (OwnTable & FrozenPages)[];
  readonly isFrozen: boolean;
}

/**
 * Freezes what takes no rows any more, once, so that no vacuum for wraparound ever comes to read it: one quarter after the
 * other, table by table, each in one VACUUM that may take hours. It holds no quarter's lock: verbs run beside it, and where one
 * needs the table for itself, the VACUUM gives way. A quarter counts as frozen when every page is; a snapshot from
 * before its last row keeps pages from it, and then it is vacuumed again by the next run, which reads those pages alone.
 *
 * A quarter that is said to be frozen, and by the catalog is not, as after a move to another server, is frozen again.
 *
 * @throws AppError busy/already_running
 */
export async function freezeQuarters(house: QuarterHouse, run: QuarterRun): Promise<FreezeReport> {
  return withNamedLock(house.database.direct, 'freeze-quarters', async (session) => {
    const done: Mutable = { frozen: [], heldBack: [], gaveWay: [], failed: [] };
    for (const { quarter, state, frozen_at } of await readQuarters(session)) {
      if (!resting.includes(state)) continue;
      await attempt(quarter, run, done.failed, async () => {
        const found = await lookAt(session, quarter);
        if (found === undefined || (frozen_at !== null && found.isFrozen)) return;
        await freeze(house, session, run, quarter, found, done);
      });
    }
    return done;
  });
}

async function freeze(
  house: QuarterHouse,
  session: Db,
  run: QuarterRun,
  quarter: string,
  { tables }: Resting,
  done: Mutable,
): Promise<void> {
  for (const { table } of tables) {
    const relation = relationOf(table, quarter);
    const what = `freeze ${relation.join('.')}, in pages`;
    await run.step?.(`freeze.before.${table.name}`);
    const to = await freezeTable(session, relation, {
      pool: house.database.direct,
      signal: run.signal,
      onBlocked: run.onBlocked,
      onPages: (pages, total) => run.onProgress?.({ what, done: pages, total }),
    });
    if (to.length > 0) {
      done.gaveWay.push({ quarter, relation: relation.join('.'), to });
      return;
    }
    await run.step?.(`freeze.after.${table.name}`);
  }
  const left = await session.transaction().execute((trx) => record(trx, house, run, quarter, tables));
  await run.step?.('freeze.recorded');
  if (left === 'frozen') done.frozen.push(quarter);
  else if (left !== 'changed') {
    const { pid, by } = await oldestSnapshot(session);
    done.heldBack.push(...left.map((one) => ({ quarter, ...one, pid, by })));
  }
}

/**
 * Keeps that the quarter is frozen, when it is. Its row is locked, so that no reopen or restore comes in between; what one did
 * before that is seen.
 */
async function record(
  trx: Trx,
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
  vacuumed: Resting['tables'],
): Promise<'frozen' | 'changed' | { readonly relation: string; readonly pages: number }[]> {
  const { state } = await trx
    .selectFrom('quartermaster.quarters')
    .select('state')
    .where('quarter', '=', quarter)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const found = await lookAt(trx, quarter);
  const same = found?.tables.every(({ oid }) => vacuumed.some((one) => one.oid === oid)) ?? false;
  if (found === undefined || !same || !resting.includes(state)) return 'changed';
  if (!found.isFrozen) {
    return found.tables
      .filter(({ pages, frozen }) => frozen < pages)
      .map(({ table, pages, frozen }) => ({
        relation: relationOf(table, quarter).join('.'),
        pages: pages - frozen,
      }));
  }
  const at = house.clock.now();
  await trx
    .updateTable('quartermaster.quarters')
    .set({ frozen_at: at })
    .where('quarter', '=', quarter)
    .execute();
  const pages = Object.fromEntries(found.tables.map(({ table, pages }) => [table.name, pages]));
  await recordEvent(trx, quarter, 'freeze', run, { pages });
  return 'frozen';
}

/** The tables as they stand; undefined when they are not there to be frozen, or somebody is at them. */
async function lookAt(db: Db, quarter: string): Promise<Resting | undefined> {
  const own = await readOwnTables(db, quarter);
  const counted = await readFrozenPages(
    db,
    own.flatMap(({ oid }) => oid ?? []),
  );
  const tables = own.flatMap((table) => {
    const pages = counted.find(({ oid }) => oid === table.oid);
    return pages !== undefined && isAtRest(table) ? [{ ...table, ...pages }] : [];
  });
  if (tables.length !== quarterTables.length) return undefined;
  return { tables, isFrozen: tables.every(({ pages, frozen }) => frozen >= pages) };
}

function isAtRest({ isPlain, fenced, attachment }: OwnTable): boolean {
  return isPlain && fenced && (attachment === 'attached' || attachment === 'standalone');
}

function relationOf(table: QuarterTable, quarter: string): Relation {
  return [table.schema, partitionName(table, quarter)];
}
