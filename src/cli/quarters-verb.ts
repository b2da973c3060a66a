import { AppError, isAppError } from '../core/errors.ts';
import type { QuarterRun } from '../quarters/context.ts';
import { nothingToDo, type Outlook, refusalOf, requireClear } from '../quarters/outlook.ts';
import { reasonObstacle } from '../quarters/reason.ts';
import { type QuarterAction, quarterActions } from '../quarters/verbs.ts';
import type { CommandContext, CommandKit } from './command.ts';
import type { CliHouse } from './house.ts';
import { type LocalTime, localTime } from './local-time.ts';
import { personOf } from './person.ts';
import { progressBar } from './progress.ts';
import { nextInFull } from './quarter-facts.ts';
import { requireMeant } from './quarters-confirm.ts';
import { renderOutlook, renderReport } from './render-verbs.ts';
import { note, printResult, type Terminal } from './terminal.ts';
import { readWhen } from './when.ts';

export interface VerbFlags {
  readonly json?: boolean;
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly until?: string;
  readonly into?: string;
  readonly yes?: boolean;
}

/** A verb, the quarters it is for, and how these were given. */
export interface VerbCall {
  readonly verb: string;
  readonly names: readonly string[];
  readonly text: string;
}

/**
 * Runs a verb on one quarter after the other. It stops at the first that fails, for what comes after may need it, and says
 * what was done by then.
 */
export async function runQuarterVerb(
  kit: CommandKit,
  context: CommandContext,
  house: CliHouse,
  { verb: name, names, text }: VerbCall,
  flags: VerbFlags,
): Promise<void> {
  const { terminal, entry } = context;
  const action = actionOf(name);
  const asked = {
    actor: personOf(),
    reason: flags.reason,
    until: flags.until === undefined ? undefined : readWhen(terminal, house, '--until', flags.until, 'end'),
    into: flags.into,
    signal: entry.signal,
  };
  if (flags.dryRun === true) return previewAll(terminal, house, name, names, asked);
  if (action.needsReason) {
    // Before the first one, so that a range does not end in the middle for want of it.
    requireClear({ ...nothingToDo, obstacles: reasonObstacle(asked, name, names[0] ?? '') });
  }
  await requireMeant(kit, terminal, house, { verb: name, names, text }, flags);
  const reports: object[] = [];
  try {
    for (const quarter of names) {
      const report = await runOne(terminal, house, name, asked, quarter);
      reports.push(report);
      const time = localTime(house.calendar.zone);
      if (!terminal.json) printResult(terminal, report, () => renderReport(name, quarter, report, time));
      if (!terminal.json && names.length === 1) await tellNext(terminal, house, quarter, time);
    }
  } catch (error) {
    if (terminal.json && reports.length > 0) printResult(terminal, reports, () => '');
    if (!terminal.json && names.length > 1) note(terminal, whereItStopped(names, reports.length));
    throw error;
  }
  if (terminal.json) printResult(terminal, names.length === 1 ? reports[0] : reports, () => '');
}

async function runOne(
  terminal: Terminal,
  house: CliHouse,
  name: string,
  asked: QuarterRun,
  quarter: string,
): Promise<object> {
  const bar = progressBar(terminal, `${name} ${quarter}`);
  const run: QuarterRun = {
    ...asked,
    onProgress: ({ done, total, bytes }) => bar.update(done, total, bytes),
    onBlocked: (relations, blockers) => {
      const who = blockers.map((blocker) => `pid ${blocker.pid} for ${Math.round(blocker.transactionAge)} s`);
      note(terminal, `Waiting for ${relations.join(', ')}: ${who.join(', ') || 'another session'}.`);
    },
  };
  const report = await actionOf(name).run(house.quarters, run, quarter);
  bar.end();
  await house.afterVerb(name);
  if (name === 'approve') note(terminal, await goOn(house, quarter));
  return report;
}

/** What comes by itself is said beside the result, so that nobody does it by hand for want of knowing. */
async function tellNext(
  terminal: Terminal,
  house: CliHouse,
  quarter: string,
  time: LocalTime,
): Promise<void> {
  const next = await house.nextStep(quarter);
  if (next !== undefined) note(terminal, `Next: ${nextInFull(next, time)} (${time.zone}).`);
}

/** What two people want a worker does by itself, where there is one; it is said either way. */
async function goOn(house: CliHouse, quarter: string): Promise<string> {
  try {
    const jobs = await house.goOn(quarter);
    if (jobs.length === 0)
      return `Nothing of ${quarter} can go on now: \`quartermaster quarters show ${quarter}\`.`;
    const verbs = jobs.map(({ verb, actor }) => `the ${verb} for ${actor}`).join(' and ');
    return `A worker does ${verbs} next; \`quartermaster quarters show ${quarter}\` says how it went.`;
  } catch (error) {
    if (!isAppError(error, 'not_migrated')) throw error;
    return `There is no queue for a worker, so whoever asked for it runs it again.`;
  }
}

async function previewAll(
  terminal: Terminal,
  house: CliHouse,
  name: string,
  names: readonly string[],
  asked: QuarterRun,
): Promise<void> {
  const outlooks: ({ quarter: string } & Outlook)[] = [];
  for (const quarter of names) {
    outlooks.push({ quarter, ...(await actionOf(name).preview(house.quarters, asked, quarter)) });
  }
  printResult(terminal, outlooks.length === 1 ? outlooks[0] : outlooks, () =>
    outlooks.map(({ quarter, ...outlook }) => renderOutlook(name, quarter, outlook)).join('\n'),
  );
  const refused = outlooks.filter(({ obstacles }) => obstacles.length > 0);
  const [first] = refused;
  if (first === undefined) return;
  const { kind, code } = refusalOf(first.obstacles);
  const which = refused.map(({ quarter }) => quarter).join(', ');
  throw new AppError(kind, code, `${name} would be refused now for ${which}, as is said above.`);
}

function actionOf(name: string): QuarterAction {
  return quarterActions[name as keyof typeof quarterActions];
}

function whereItStopped(names: readonly string[], done: number): string {
  const before = done === 0 ? 'Nothing was done before it' : `Done: ${names.slice(0, done).join(', ')}`;
  const left = names.slice(done + 1);
  const after = left.length === 0 ? '' : ` Not begun: ${left.join(', ')}.`;
  return `${before}. Stopped at ${names[done]}.${after}`;
}
