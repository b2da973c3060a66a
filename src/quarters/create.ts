import { AppError, isAppError } from '../core/errors.ts';
import type { QuarterState } from '../core/lifecycle.ts';
import { type Plan, type Provision, planQuarters, QUARTER_LIMIT } from '../core/plan.ts';
import { compareQuarters, nextName } from '../core/quarter.ts';
import type { Situation } from '../core/situation.ts';
import { readParents } from '../db/catalog.ts';
import type { Db } from '../db/schema.ts';
import { retry, throwIfAborted } from '../platform/retry.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Obstacle, type Outlook, refusalOf, requireClear } from './outlook.ts';
import { provisionQuarter, readSituation } from './provision.ts';
import { readQuarter } from './registry.ts';

export interface CreateReport {
  readonly quarter: string;
  readonly state: QuarterState;
  /** The quarters that were created: the one asked for, and those that were missing besides. */
  readonly created: readonly string[];
}

export interface EnsureReport {
  readonly created: readonly string[];
  /** Quarters of the range that take no rows any more. */
  readonly notOpen: readonly { readonly quarter: string; readonly state: QuarterState }[];
}

/** The quarters that hold some instant from `from` to `to`, as the state rows have them. */
type Covered = readonly { quarter: string; state: QuarterState; starts_at: Date; ends_at: Date }[];

/**
 * Creates a quarter, and fills the gap to the nearest one there is. Creating one that exists changes nothing.
 *
 * @throws AppError refused/before_oldest, refused/too_many_quarters, conflict/quarter_not_created
 */
export async function createQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<CreateReport> {
  const { start } = house.calendar.quarter(quarter);
  const known = await covered(house.database.direct, start, start);
  const created = known.some(isCreated) ? [] : await createMissing(house, run, quarter, quarter);
  const { state } = await readQuarter(house.database.direct, quarter);
  return { quarter, state, created };
}

/**
 * Sees that rows from `from` to `to`, both included, have a quarter to go to. A load calls it for every batch: while
 * all is there it costs one small query. Several processes may want the same quarters at once.
 *
 * @param create how those that are missing come to be, and their names; by this process unless given
 * @throws AppError refused/before_oldest, refused/beyond_horizon, refused/too_many_quarters,
 *   conflict/quarter_not_created
 */
export async function ensureQuarters(
  house: QuarterHouse,
  run: QuarterRun,
  from: Date,
  to: Date,
  create: (first: string, last: string) => Promise<string[]> = (first, last) =>
    createMissing(house, run, first, last),
): Promise<EnsureReport> {
  const { calendar, clock, database, premakeQuarters } = house;
  let known = await covered(database.write, from, to);
  let created: string[] = [];
  if (!covers(known, from, to)) {
    const last = calendar.quarterOf(to).name;
    const horizon = nextName(calendar.quarterOf(clock.now()).name, premakeQuarters);
    if (compareQuarters(last, horizon) > 0) {
      const detail = `${to.toISOString()} lies in ${last}, and quarters are created ahead to ${horizon} only. Correct the date, or run \`quartermaster quarters create ${last}\` if it is right.`;
      throw new AppError('refused', 'beyond_horizon', detail);
    }
    created = await create(calendar.quarterOf(from).name, last);
    known = await covered(database.write, from, to);
  }
  const notOpen = known.filter(({ state }) => state !== 'open');
  return { created, notOpen: notOpen.map(({ quarter, state }) => ({ quarter, state })) };
}

/** The quarters from one to another that are not there. */
export async function missingQuarters(
  { calendar, database }: QuarterHouse,
  from: string,
  to: string,
): Promise<string[]> {
  const [{ start }, { end }] = [calendar.quarter(from), calendar.quarter(to)];
  const known = await covered(database.write, start, new Date(end.getTime() - 1));
  const there = new Set(known.filter(isCreated).map(({ quarter }) => quarter));
  return calendar
    .range(from, to)
    .map(({ name }) => name)
    .filter((name) => !there.has(name));
}

/** What a create finds and would do. */
export async function previewCreate(
  house: QuarterHouse,
  _run: QuarterRun,
  quarter: string,
): Promise<Outlook> {
  const { start } = house.calendar.quarter(quarter);
  const db = house.database.direct;
  if ((await covered(db, start, start)).some(isCreated)) return nothingToDo;
  return (await lookAt(house, db, quarter, quarter)).outlook;
}

/** What is missing from one quarter to another, and to those there are, and what stands in the way of it. */
async function lookAt(
  house: QuarterHouse,
  db: Db,
  from: string,
  to: string,
): Promise<{ plan: Plan; provisions: readonly Provision[]; outlook: Outlook }> {
  const situation = await readSituation(house, db, { from, to });
  const plan = planQuarters(situation);
  const provisions = askedFor(plan, situation, from, to);
  const old = tooOld(house, situation, from, to);
  const obstacles = [
    ...old,
    ...tooMany(provisions),
    ...(old.length > 0 ? [] : await obstructed(house, db, plan, from, to, provisions)),
  ];
  const names = provisions.map(({ quarter }) => quarter.name).sort(compareQuarters);
  const steps = names.map((name) => `create the partitions of ${name} and attach them`);
  return { plan, provisions, outlook: { done: false, obstacles, steps } };
}

/** Creates what is missing from one quarter to another, and to those there are; the names of what it created. */
async function createMissing(
  house: QuarterHouse,
  run: QuarterRun,
  from: string,
  to: string,
): Promise<string[]> {
  const parents = await readParents(house.database.direct);
  const created = new Set<string>();
  // Whoever holds a quarter's lock is creating it too, as a rule, and is done in a moment: then there is less to plan.
  await retry(
    () =>
      house.database.direct.connection().execute(async (session) => {
        const { plan, provisions, outlook } = await lookAt(house, session, from, to);
        // What lies in the way of one quarter is told when all the others are there.
        requireClear({ ...outlook, obstacles: outlook.obstacles.filter(({ kind }) => kind !== 'conflict') });
        for (const [done, provision] of provisions.entries()) {
          throwIfAborted(run.signal);
          run.onProgress?.({ what: 'create quarters', done, total: provisions.length });
          const { name } = provision.quarter;
          if (await provisionQuarter(session, parents, provision, run)) created.add(name);
        }
        const missing = await obstructed(house, session, plan, from, to);
        if (missing.length > 0) throw refusalOf(missing);
      }),
    {
      retryable: (error) => isAppError(error, 'quarter_busy'),
      attempts: 40,
      baseMs: 50,
      capMs: 1000,
      signal: run.signal,
    },
  );
  return [...created].sort(compareQuarters);
}

/** The range itself and the gap between it and the quarters there are; where there are none, all that is planned. */
function askedFor({ provision }: Plan, { known }: Situation, from: string, to: string): readonly Provision[] {
  const names = known
    .filter(isCreated)
    .map(({ quarter }) => quarter)
    .sort(compareQuarters);
  const [oldest, newest] = [names[0], names.at(-1)];
  if (oldest === undefined || newest === undefined) return provision;
  const first = compareQuarters(from, newest) > 0 ? newest : from;
  const last = compareQuarters(to, oldest) < 0 ? oldest : to;
  return provision.filter(
    ({ quarter }) => compareQuarters(quarter.name, first) >= 0 && compareQuarters(quarter.name, last) <= 0,
  );
}

/** Quarters before the oldest allowed that are not there. */
function tooOld(house: QuarterHouse, { known }: Situation, from: string, to: string): Obstacle[] {
  const oldest = house.calendar.quarterOf(house.oldest).name;
  const exists = new Set(known.filter(isCreated).map(({ quarter }) => quarter));
  const old = house.calendar
    .range(from, to)
    .find(({ name }) => compareQuarters(name, oldest) < 0 && !exists.has(name));
  if (old === undefined) return [];
  const detail = `${old.name} is before ${oldest}, the oldest quarter allowed. Correct the date, or set QM_OLDEST_DATE to an earlier day if it is right.`;
  return [{ code: 'before_oldest', detail }];
}

function tooMany(provisions: readonly Provision[]): Obstacle[] {
  if (provisions.length <= QUARTER_LIMIT) return [];
  const names = provisions.map(({ quarter }) => quarter.name).sort(compareQuarters);
  const detail = `${provisions.length} quarters would have to be created, ${names[0]} to ${names.at(-1)}, and ${QUARTER_LIMIT} at once is the limit. Look for a wrong date, or create them in steps.`;
  return [{ code: 'too_many_quarters', detail }];
}

/** The first quarter that is not there, nor among those `planned`: something lies in its way, and its drift says what. */
async function obstructed(
  house: QuarterHouse,
  db: Db,
  { drift }: Plan,
  from: string,
  to: string,
  planned: readonly Provision[] = [],
): Promise<Obstacle[]> {
  const { start } = house.calendar.quarter(from);
  const { end } = house.calendar.quarter(to);
  const rows = await covered(db, start, new Date(end.getTime() - 1));
  const created = new Set(rows.filter(isCreated).map(({ quarter }) => quarter));
  for (const { quarter, whole } of planned) if (whole) created.add(quarter.name);
  const missing = house.calendar.range(from, to).find(({ name }) => !created.has(name));
  if (missing === undefined) return [];
  const why = drift.filter(({ quarter }) => quarter === missing.name).map(({ detail }) => detail);
  const detail = `${missing.name} could not be created. ${why.join(' ')}`;
  return [{ code: 'quarter_not_created', kind: 'conflict', detail }];
}

async function covered(db: Db, from: Date, to: Date): Promise<Covered> {
  return db
    .selectFrom('quartermaster.quarters')
    .select(['quarter', 'state', 'starts_at', 'ends_at'])
    .where('starts_at', '<=', to)
    .where('ends_at', '>', from)
    .orderBy('starts_at')
    .execute();
}

function isCreated({ state }: { readonly state: QuarterState }): boolean {
  return state !== 'planned';
}

/** True when no instant from `from` to `to` is without a quarter. */
function covers(known: Covered, from: Date, to: Date): boolean {
  let end = from;
  for (const row of known.filter(isCreated)) {
    if (row.starts_at > end) return false;
    end = row.ends_at;
  }
  return end > to;
}
