import { transitionOf } from '../core/lifecycle.ts';
import { writableUntil } from '../core/plan.ts';
import { quarterTables } from '../core/tables.ts';
import { PENDING_DETACH } from '../db/measurements.ts';
import { openSteps } from './figures-overdue.ts';
import { pendingDetaches } from './figures-quarters.ts';
import {
  type CheckDefinition,
  counted,
  critical,
  DAY_SECONDS,
  fine,
  judged,
  listed,
  timeOf,
  warning,
  whole,
} from './operation-check.ts';

/** How quarters, their partitions and their archives stand. */
export const quarterChecks: readonly CheckDefinition[] = [
  {
    name: 'horizon',
    advice:
      'See why reconcile-partitions creates no quarters ahead: its last failure is in the list of queues.',
    runbook: 'horizon',
    look: ({ horizon, at }) =>
      judged(horizon, ({ partitions }) => {
        const names = quarterTables.map(({ name }) => name);
        const left = (writableUntil(names, partitions, at).getTime() - at.getTime()) / 1000;
        const state = left < 89 * DAY_SECONDS ? 'critical' : left < 180 * DAY_SECONDS ? 'warning' : 'ok';
        return { state, detail: `Postings have partitions for ${timeOf(left)} more.` };
      }),
  },
  {
    name: 'archives',
    advice: 'Get the files from a backup of the store while there is one, and verify the quarter again.',
    runbook: 'archive-damaged',
    look: ({ fixity }) =>
      judged(fixity, ({ damaged, archives }) =>
        damaged.length > 0
          ? critical(`Found damaged and not sound since: ${damaged.join(', ')}.`)
          : fine(archives === 0 ? 'There are no archives.' : 'None was found damaged.'),
      ),
  },
  {
    name: 'blocked',
    advice: 'Read why in the list of failures, mend it, and have the step tried again.',
    runbook: 'quarter-blocked',
    look: ({ queues }) =>
      judged(queues, (found) => {
        const lines = found.queues.reduce((sum, { blockedLines }) => sum + blockedLines, 0);
        if (lines === 0) return fine('No quarter waits behind a step that failed.');
        return warning(`${counted(lines, 'quarter')} stand still behind a step that failed.`);
      }),
  },
  {
    name: 'steps',
    advice: 'Look at the quarter: an approval is missing, a schedule is switched off, or a check refuses it.',
    runbook: 'step-overdue',
    look: ({ quarters, at }, { calendar, config }) =>
      judged(quarters, (found) => {
        const late = openSteps(found.quarters, calendar, config)
          .filter(({ verb }) => verb !== 'release')
          .map(({ verb, since }) => ({ verb, seconds: (at.getTime() - since.getTime()) / 1000 }))
          .filter(({ seconds }) => seconds > 3 * DAY_SECONDS)
          .sort((a, b) => b.seconds - a.seconds);
        const [worst] = late;
        if (worst === undefined)
          return fine('Every step that could be done was done, or could be for less than three days.');
        const which = `the ${worst.verb} that waits longest for ${timeOf(worst.seconds)}`;
        return warning(`${counted(late.length, 'step')} of quarters could have been done, ${which}.`);
      }),
  },
  {
    name: 'approvals',
    advice: 'Somebody else than who asked approves it on the page of the quarter.',
    runbook: 'approval-waiting',
    look: ({ quarters }, { config }) =>
      judged(quarters, (found) => {
        // Where one person is enough nobody waits for a second, whatever was asked when it took two.
        const waiting =
          config.archiveApproval === 'auto'
            ? []
            : found.quarters.flatMap(({ quarter, state, asked }) =>
                asked
                  .filter(({ verb, approved }) => !approved && transitionOf(verb).from.includes(state))
                  .map(({ verb }) => `${verb} of ${quarter}`),
              );
        if (waiting.length === 0) return fine('Nothing waits for a second person.');
        return warning(`For a second person waits: ${listed(waiting)}.`);
      }),
  },
  {
    name: 'restores',
    advice: 'See why expire-restores does not end them: its last failure is in the list of queues.',
    runbook: 'schedule-silent',
    look: ({ quarters, at }) =>
      judged(quarters, ({ expired }) => {
        // Each hour it is looked for them, so by then two turns are past.
        const late = expired.filter(
          ({ until, hold_reason }) => hold_reason === null && at.getTime() - until.getTime() > 8_100_000,
        );
        if (late.length === 0) return fine('Nothing is restored beyond its time.');
        const names = late.map(({ quarter, into }) =>
          into === undefined ? quarter : `${quarter} in ${into}`,
        );
        return warning(`Restored beyond its time: ${listed(names)}.`);
      }),
  },
  {
    name: 'detach',
    advice: 'Find the old transaction that it waits for; the next reconcile ends it.',
    runbook: 'detach-pending',
    look: ({ horizon }) =>
      judged(horizon, (found) => {
        const pending = pendingDetaches(found);
        const ages = pending.map(
          (label) =>
            found.measurements.find((one) => one.metric === PENDING_DETACH && one.label === label)?.value ??
            0,
        );
        const longest = Math.max(0, ...ages);
        if (pending.length === 0) return fine('No quarter is half detached.');
        const detail = `${counted(pending.length, 'table')} half detached, for ${timeOf(longest)}.`;
        return longest > 900 ? warning(`${detail} Readers do not see their rows.`) : fine(detail);
      }),
  },
  {
    name: 'fixity',
    advice: 'See why check-fixity does not get on: its last failure is in the list of queues.',
    runbook: 'fixity-overdue',
    look: ({ fixity, at }, { config }) =>
      judged(fixity, ({ oldest }) => {
        if (oldest === null) return fine('There is no archive to read.');
        const seconds = (at.getTime() - oldest.at.getTime()) / 1000;
        const detail = `The archive of ${oldest.quarter} was last read ${timeOf(seconds)} ago; ${config.fixityDays} days are allowed.`;
        // A week is left for what goes wrong.
        return seconds > (config.fixityDays + 7) * DAY_SECONDS ? warning(detail) : fine(detail);
      }),
  },
  {
    name: 'drift',
    advice:
      'Look at the partitions with `quartermaster doctor`: somebody changed them by hand, or a step was killed.',
    runbook: 'drift',
    look: ({ queues }) =>
      judged(queues, ({ measurements }) => {
        const found = measurements.filter(({ metric, value }) => metric === 'drift' && value > 0);
        if (found.length === 0) return fine('Partitions are as their tables.');
        const codes = found.map(({ label, value }) => `${label} (${whole(value)})`);
        return warning(`Partitions are not as they should be: ${listed(codes)}.`);
      }),
  },
];
