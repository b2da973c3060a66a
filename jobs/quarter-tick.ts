import { isConnectionLoss, toAppError } from '../src/db/sqlstate.ts';
import { readApproved, requestApproval } from '../src/quarters/approvals.ts';
import { readQuarters } from '../src/quarters/registry.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { StepRequest } from '../src/queue/quarter-line.ts';
import type { JobHouse } from './house.ts';
import {
  type DueStep,
  type PlannedQuarter,
  planSteps,
  type QuarterPlan,
  reasonOf,
  startable,
  type Withheld,
} from './quarter-plan.ts';
import { retryBlocked } from './quarter-retry.ts';

/** A quarter for which nothing could be asked; the others were seen to all the same. */
interface Failure {
  readonly quarter: string;
  readonly code: string;
  readonly detail: string;
}

/**
 * Asks for what policy allows. It runs at 02:00 of each quarter's first day in the ledger's zone, and of every other day
 * too: a quarter may be closed only days after its end, loads bring old quarters on any day, and a failed step is
 * tried again tomorrow rather than in three months. A look costs one SELECT; what is due already is asked for once.
 */
export function quarterTickJob(house: JobHouse): Job {
  return {
    name: 'quarter-tick',
    queue: maintenanceQueue('quarter-tick'),
    schedule: '0 2 * * *',
    async handle(_data, run) {
      const { steps, withheld } = await readPlan(house);
      const requested: (DueStep & { outcome: StepRequest })[] = [];
      const failed: Failure[] = [];
      for (const [quarter, due] of Map.groupBy(startable(steps), (step) => step.quarter)) {
        await attempt(quarter, failed, async () => {
          requested.push(...(await requestAll(house, due)));
        });
      }
      for (const step of withheld) {
        if (step.why !== 'approval_required') continue;
        await attempt(step.quarter, failed, () => askForApproval(house, step));
      }
      const retried = await retryBlocked(house, new Set(requested.map(({ quarter }) => quarter)));
      // Switched off, held or unapproved is not forgotten: it is said at every look.
      if (withheld.length > 0) run.logger.warn({ withheld }, 'quarters are kept from going on');
      if (failed.length > 0) run.logger.error({ failed }, 'nothing could be asked for these quarters');
      return { requested, retried, withheld, failed };
    },
  };
}

/** What policy allows at this moment. */
export async function readPlan(
  house: Pick<JobHouse, 'database' | 'clock' | 'calendar' | 'config'>,
): Promise<QuarterPlan> {
  return planSteps(await readPlanned(house), house.clock.now(), house.calendar, house.config);
}

/** All quarters as the plan wants them, in two statements however many there are. */
export async function readPlanned({
  database,
  config,
}: Pick<JobHouse, 'database' | 'config'>): Promise<PlannedQuarter[]> {
  const approved =
    config.archiveApproval === 'required' ? await readApproved(database.write) : new Map<string, never[]>();
  const rows = await readQuarters(database.write);
  return rows.map((row) => {
    const asks = row.state === 'closed' || row.state === 'detached';
    return { ...row, approved: (asks && approved.get(row.quarter)) || [] };
  });
}

/** All steps of a quarter or none: a line must not hold a detach whose archive was never asked for. */
async function requestAll(
  { database, queue }: JobHouse,
  due: readonly DueStep[],
): Promise<(DueStep & { outcome: StepRequest })[]> {
  return database.write.transaction().execute(async (trx) => {
    const requested: (DueStep & { outcome: StepRequest })[] = [];
    for (const step of due) {
      const outcome = await queue.quarters.request(trx, { ...step, actor: 'schedule' });
      requested.push({ ...step, outcome });
    }
    return requested;
  });
}

/** So that somebody can approve it: what nobody has asked for, nobody can. */
async function askForApproval({ database, quarters, config }: JobHouse, step: Withheld): Promise<void> {
  const { quarter, verb } = step;
  if (verb !== 'archive' && verb !== 'drop') return;
  const row = (await readQuarters(database.write)).find((one) => one.quarter === quarter);
  // One that is still to be closed has no content yet that could be approved.
  if (row === undefined || row.state !== (verb === 'archive' ? 'closed' : 'detached') || row.stale_reason)
    return;
  const reason = reasonOf(verb, config);
  await requestApproval(quarters, { actor: 'schedule', reason }, row, verb);
}

async function attempt(quarter: string, failed: Failure[], action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const { kind, code, detail } = toAppError(error);
    // Without a database, or without its queues, there is no next one.
    if (kind === 'aborted' || kind === 'config' || isConnectionLoss(error)) throw error;
    failed.push({ quarter, code, detail });
  }
}
