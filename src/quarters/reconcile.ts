import { transitions } from '../core/lifecycle.ts';
import type { FoundPartition } from '../core/partition.ts';
import { type Plan, planQuarters, QUARTER_LIMIT, writableUntil } from '../core/plan.ts';
import type { Drift } from '../core/plan-drift.ts';
import { compareQuarters } from '../core/quarter.ts';
import { quarterTables } from '../core/tables.ts';
import { readParents, readQuarterPartitions } from '../db/catalog.ts';
import { withNamedLock, withQuarterLock } from '../db/locks.ts';
import { finalizeDetach } from '../db/partition.ts';
import type { Db } from '../db/schema.ts';
import { attempt, type Failure } from './attempt.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { readDifferences, structureDrift } from './drift.ts';
import { fenceAgain } from './drift-fence.ts';
import { mendStructure, plannedRepairs, type Repair } from './drift-fix.ts';
import { provisionQuarter, readSituation, tableNames } from './provision.ts';
import { advance, readQuarter } from './registry.ts';

export interface ReconcileReport {
  /** Until then every row has an open quarter to go to; the time of the run when not even now has. */
  readonly horizon: Date;
  /** Whole quarters after the current one that take rows already. */
  readonly quartersAhead: number;
  /** Quarters that were created or completed. */
  readonly created: readonly string[];
  /** Partitions whose interrupted detach was brought to its end. */
  readonly finalized: readonly string[];
  /** Quarters whose state row lagged behind the catalog. */
  readonly repaired: readonly string[];
  /** Differences between partitions and their tables that were mended; none unless that was asked for. */
  readonly fixed: readonly Repair[];
  /** What is not as it should be and needs a person. */
  readonly drift: readonly Drift[];
  /** What was tried and failed; everything else was done all the same. */
  readonly failed: readonly Failure[];
}

type Mutable = {
  -readonly [K in 'created' | 'finalized' | 'repaired' | 'fixed' | 'failed']: ReconcileReport[K][number][];
};

export interface ReconcileOptions {
  /** Also mends what partitions have otherwise than their tables, and fences closed quarters again. */
  readonly fix?: boolean;
  /** False where quarters are not to be created: the rest is done. */
  readonly create?: boolean;
}

/**
 * Brings the partitions to what the calendar and the state rows ask for: creates ahead, fills gaps, ends interrupted
 * detaches, brings state rows up to date, mends differences where that is wanted, and reports what it must not touch.
 *
 * @throws AppError busy/already_running
 */
export async function reconcile(
  house: QuarterHouse,
  run: QuarterRun,
  options: ReconcileOptions = {},
): Promise<ReconcileReport> {
  return withNamedLock(house.database.direct, 'reconcile', async (session) => {
    const done: Mutable = { created: [], finalized: [], repaired: [], fixed: [], failed: [] };
    const plan = planQuarters(await readSituation(house, session));
    // Creating takes milliseconds, and the end of a detach may have to wait for hours, with a lock that keeps
    // partitions from being created: so the quarters come first.
    if (options.create !== false) await provisionAll(session, plan, run, done);
    for (const partition of plan.finalize) await finalize(house, session, partition, run, done);
    for (const lagging of planQuarters(await readSituation(house, session)).left)
      await repair(house, session, lagging, run, done);
    if (options.fix === true) await fix(house, session, run, done);

    const after = await readSituation(house, session);
    const { drift, provision } = planQuarters(after);
    const horizon = writableUntil(tableNames, after.found, after.now);
    return {
      horizon,
      quartersAhead: quartersAhead(house, horizon),
      ...done,
      drift: [
        // A partition that was gone is there again by now; that it was gone is news all the same.
        ...plan.drift.filter(({ code }) => code === 'partition_lost'),
        ...drift,
        ...leftForLater(provision),
        ...(await structureDrift(session)),
      ],
    };
  });
}

/**
 * The same comparison with nothing done: for the doctor.
 *
 * @returns sentences, none when all is well, and until when every row has an open quarter to go to
 */
export async function inspectQuarters(
  house: QuarterHouse,
): Promise<{ readonly problems: string[]; readonly horizon: Date }> {
  const situation = await readSituation(house, house.database.direct);
  const plan = planQuarters(situation);
  const missing = plan.provision.map(({ quarter }) => quarter.name);
  const advice = 'Run `quartermaster run reconcile-partitions`.';
  return {
    problems: [
      ...plan.finalize.map((one) => `The detach of ${one.schema}.${one.name} was interrupted. ${advice}`),
      ...plan.left.map(
        ({ quarter, verb }) =>
          `${quarter} has left, by a ${verb} that was killed or by hand, and its state row lags. ${advice}`,
      ),
      ...(missing.length > 0 ? [`Missing or incomplete: ${missing.join(', ')}. ${advice}`] : []),
      ...plan.drift.map(({ detail }) => detail),
      ...(await structureDrift(house.database.direct)).map(({ detail }) => detail),
    ],
    horizon: writableUntil(tableNames, situation.found, situation.now),
  };
}

/** What a reconcile would do now; it changes nothing. Drift is all that there is, with what would be mended. */
export async function previewReconcile(
  house: QuarterHouse,
  { fix: mends = false, create = true }: ReconcileOptions = {},
): Promise<ReconcileReport> {
  const { direct } = house.database;
  const situation = await readSituation(house, direct);
  const plan = planQuarters(situation);
  const horizon = writableUntil(tableNames, situation.found, situation.now);
  return {
    horizon,
    quartersAhead: quartersAhead(house, horizon),
    created: create ? plan.provision.slice(0, QUARTER_LIMIT).map(({ quarter }) => quarter.name) : [],
    finalized: plan.finalize.map(({ name }) => name),
    repaired: plan.left.map(({ quarter }) => quarter),
    fixed: mends ? [...plannedRepairs(await readDifferences(direct)), ...plannedFences(plan)] : [],
    drift: [...plan.drift, ...(await structureDrift(direct))],
    failed: [],
  };
}

/** The quarters whose fence is missing, each with what would be done about it. */
function plannedFences({ drift }: Plan): Repair[] {
  return drift
    .filter(({ code }) => code === 'fence_missing')
    .map(({ code, quarter = '', relation = '' }) => ({
      code,
      quarter,
      relation,
      did: [`fence ${relation} again when ${quarter} still holds what was closed`],
    }));
}

async function provisionAll(session: Db, plan: Plan, run: QuarterRun, done: Mutable): Promise<void> {
  const parents = await readParents(session);
  for (const provision of plan.provision.slice(0, QUARTER_LIMIT)) {
    const { name } = provision.quarter;
    await attempt(name, run, done.failed, async () => {
      if (await provisionQuarter(session, parents, provision, run)) done.created.push(name);
    });
  }
}

async function finalize(
  house: QuarterHouse,
  session: Db,
  { schema, name, table, quarter }: FoundPartition,
  run: QuarterRun,
  done: Mutable,
): Promise<void> {
  const parent = quarterTables.find((one) => one.name === table);
  const act = async (locked: Db) => {
    if (parent === undefined) return;
    await run.step?.('finalize.before');
    await finalizeDetach(locked, parent, { schema, name }, { ...run, pool: house.database.direct });
    done.finalized.push(name);
    await run.step?.('finalize.after');
  };
  await attempt(`${schema}.${name}`, run, done.failed, () =>
    quarter === undefined ? act(session) : withQuarterLock(session, quarter, act),
  );
}

/** The tables have left and the state row does not know: a detach or a release was killed between the two. */
async function repair(
  house: QuarterHouse,
  session: Db,
  { quarter, verb }: Plan['left'][number],
  run: QuarterRun,
  done: Mutable,
): Promise<void> {
  await attempt(quarter, run, done.failed, () =>
    withQuarterLock(session, quarter, async (locked) => {
      const partitions = await readQuarterPartitions(locked, quarter);
      if (partitions.some(({ attachment }) => attachment !== 'standalone')) return;
      const { state } = await readQuarter(locked, quarter);
      // Whoever was at it has finished since.
      if (!transitions[verb].from.some((one) => one === state)) return;
      const at = { detached_at: house.clock.now() };
      const changes = verb === 'release' ? { ...at, restored_until: null } : at;
      await run.step?.('lag.before');
      await locked
        .transaction()
        .execute((trx) => advance(trx, quarter, verb, run, changes, { repaired: true }));
      await run.step?.('lag.after');
      done.repaired.push(quarter);
    }),
  );
}

/** Mends what is safe, each thing by itself. */
async function fix(house: QuarterHouse, session: Db, run: QuarterRun, done: Mutable): Promise<void> {
  done.fixed.push(...(await mendStructure(house, session, run, done.failed)));
  const { drift } = planQuarters(await readSituation(house, session));
  const open = new Set(
    drift.filter(({ code }) => code === 'fence_missing').map(({ quarter = '' }) => quarter),
  );
  for (const quarter of open) {
    await attempt(quarter, run, done.failed, async () => {
      const repaired = await fenceAgain(house, session, run, quarter);
      if (repaired !== undefined) done.fixed.push(repaired);
    });
  }
}

/** Says so when there is more to create than one run may. */
function leftForLater(provision: Plan['provision']): Drift[] {
  if (provision.length === 0) return [];
  const names = provision.map(({ quarter }) => quarter.name).sort(compareQuarters);
  const detail = `${names.length} quarters are still missing, ${names[0]} to ${names.at(-1)}: they failed, creating is switched off, another process is at them, or they are more than the ${QUARTER_LIMIT} of one run. Run \`quartermaster run reconcile-partitions\` again.`;
  return [{ code: 'quarters_missing', detail }];
}

function quartersAhead({ calendar, clock }: QuarterHouse, horizon: Date): number {
  let ahead = 0;
  let quarter = calendar.next(calendar.quarterOf(clock.now()));
  while (quarter.end <= horizon) {
    ahead++;
    quarter = calendar.next(quarter);
  }
  return ahead;
}
