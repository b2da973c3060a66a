import type { Provision } from '../core/plan.ts';
import type { Situation } from '../core/situation.ts';
import { quarterTables } from '../core/tables.ts';
import { type ParentTable, readCatalog, readQuarterPartitions } from '../db/catalog.ts';
import { withQuarterLock, withShortLock } from '../db/locks.ts';
import { createPartitions, dropLeftover } from '../db/partition.ts';
import type { Db, Trx } from '../db/schema.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { advance, readQuarter, readQuarters, recordEvent } from './registry.ts';

/** The tables' names, in the order in which every plan and every transaction takes them. */
export const tableNames = quarterTables.map((table) => table.name);

/** What a plan is made of, read afresh. */
export async function readSituation(
  house: QuarterHouse,
  db: Db,
  wanted?: Situation['wanted'],
): Promise<Situation> {
  const situation = {
    tables: tableNames,
    found: await readCatalog(db),
    known: await readQuarters(db),
    calendar: house.calendar,
    now: house.clock.now(),
    premake: house.premakeQuarters,
    oldest: house.oldest,
  };
  return wanted === undefined ? situation : { ...situation, wanted };
}

/**
 * Opens a quarter as planned, or completes it: partitions, state row and event in one transaction, so that a kill
 * leaves either all of it or nothing. What another process did since the plan was made is looked at again.
 *
 * @param session a direct connection; the quarter's lock is taken on it
 * @returns whether the quarter became open or whole by it
 * @throws AppError busy/quarter_busy, busy/lock_timeout
 */
export async function provisionQuarter(
  session: Db,
  parents: readonly ParentTable[],
  plan: Provision,
  run: QuarterRun,
): Promise<boolean> {
  const { quarter } = plan;
  return withQuarterLock(session, quarter.name, async (locked) => {
    await run.step?.('create.locked');
    const done = await withShortLock(locked, (trx) => provisionIn(trx, parents, plan, run), {
      relations: parents.map(({ table }) => [table.schema, table.name]),
      signal: run.signal,
      onBlocked: run.onBlocked,
    });
    await run.step?.('create.committed');
    return done;
  });
}

async function provisionIn(
  trx: Trx,
  parents: readonly ParentTable[],
  { quarter, create, replace, ...plan }: Provision,
  run: QuarterRun,
): Promise<boolean> {
  await trx
    .insertInto('quartermaster.quarters')
    .values({ quarter: quarter.name, starts_at: quarter.start, ends_at: quarter.end })
    .onConflict((conflict) => conflict.column('quarter').doNothing())
    .execute();
  const { state } = await readQuarter(trx, quarter.name);
  if (state !== 'planned' && state !== 'open') return false;

  const missing: ParentTable[] = [];
  let { whole } = plan;
  for (const { table, attachment } of await readQuarterPartitions(trx, quarter.name)) {
    if (attachment === 'attached') continue;
    const wanted =
      (attachment === 'missing' && create.includes(table.name)) ||
      (attachment === 'standalone' &&
        replace.includes(table.name) &&
        (await dropLeftover(trx, table, quarter.name)));
    const parent = parents.find((one) => one.table === table);
    if (wanted && parent !== undefined) missing.push(parent);
    else whole = false;
  }
  await createPartitions(trx, missing, quarter);
  const made = { created: missing.map(({ table }) => table.name) };
  const opens = whole && state === 'planned';
  if (opens) await advance(trx, quarter.name, 'create', run, {}, made);
  else if (missing.length > 0) await recordEvent(trx, quarter.name, 'complete', run, made);
  await run.step?.('create.attached');
  return opens || (whole && missing.length > 0);
}
