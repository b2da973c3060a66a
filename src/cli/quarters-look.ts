import { type Command, Option } from 'commander';
import { type QuarterState, quarterStates } from '../core/lifecycle.ts';
import { listQuarters } from '../quarters/list.ts';
import { type QuarterDetail, showQuarter } from '../quarters/show.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';
import { type CliCommand, type CommandKit, command, contextOf, withHouse } from './command.ts';
import type { CliHouse, NextVerb } from './house.ts';
import { listJson, showJson } from './json-quarters.ts';
import { localTime } from './local-time.ts';
import type { QuarterOutline } from './quarter-facts.ts';
import { QUARTERS_FORMS, type QuarterRange } from './quarter-range.ts';
import { givenRange, namesOf, QUARTERS_OPTION } from './quarters-given.ts';
import { renderQuarters } from './render-list.ts';
import { renderQuarter } from './render-quarter.ts';
import { printResult } from './terminal.ts';

interface ListFlags {
  readonly json?: boolean;
  readonly quarters?: string;
  readonly state?: readonly QuarterState[];
}

/** `quartermaster quarters list`: all of them at a glance, and what needs somebody. */
export function listCommand(kit: CommandKit): CliCommand {
  return command('list', 'every quarter with its state, its size, and what comes next', [
    'quarters list',
    'quarters list 2019q1..2020q4',
    'quarters list --state closed archived --json',
  ])
    .argument('[quarters]', `as ${QUARTERS_FORMS} (default: all)`)
    .option(...QUARTERS_OPTION)
    .addOption(new Option('--state <state...>', 'only those in this state').choices(quarterStates))
    .prints(listJson)
    .action(async (given: string | undefined, flags: ListFlags, self: Command) => {
      const isAll = given === undefined && flags.quarters === undefined;
      const range = isAll ? undefined : givenRange(self, given, flags.quarters);
      const context = contextOf(kit, flags, 'warn');
      await withHouse(context, async (house) => {
        const quarters = await readOutlines(house, range, flags.state);
        const jobs = await house.quarterJobs();
        const setting = { now: house.clock.now(), time: localTime(house.calendar.zone), jobs };
        printResult(context.terminal, quarters, (all, width) =>
          all.length === 0 && (range !== undefined || flags.state !== undefined)
            ? 'There is no such quarter. Without quarters and --state all are listed.'
            : renderQuarters(all, { ...setting, width }),
        );
      });
    });
}

/** The quarters with what comes next for each; of the wanted ones those there are. */
export async function readOutlines(
  house: CliHouse,
  range: QuarterRange | undefined,
  states?: readonly QuarterState[],
): Promise<QuarterOutline[]> {
  const quarters = await listQuarters(house.quarters);
  const next = await house.nextSteps();
  const wanted = range === undefined ? undefined : new Set(range.names(quarters.map(({ name }) => name)));
  return quarters
    .filter(({ name, state }) => (wanted?.has(name) ?? true) && (states?.includes(state) ?? true))
    .map((quarter) => ({ ...quarter, next: next.get(quarter.name) ?? null }));
}

/** `quartermaster quarters show`: the story of one quarter, from the top. */
export function showCommand(kit: CommandKit): CliCommand {
  return command('show', 'one quarter: where it stands, what comes next, its story and its files', [
    'quarters show 2024q1',
    'quarters show --quarters 2023q1..2023q4',
    'quarters show 2024q1 --json',
  ])
    .argument('[quarters]', 'as 2024q1; of several, one after the other')
    .option(...QUARTERS_OPTION)
    .prints(showJson)
    .action(async (given: string | undefined, flags: ListFlags, self: Command) => {
      const range = givenRange(self, given, flags.quarters);
      const context = contextOf(kit, flags, 'warn');
      await withHouse(context, async (house) => {
        const names = await namesOf(house, range);
        const shown: (QuarterDetail & { next: NextVerb | null; jobs: readonly QuarterJob[] })[] = [];
        for (const name of names) {
          const detail = await showQuarter(house.quarters, name);
          const next = await house.nextStep(name);
          shown.push({ ...detail, next: next ?? null, jobs: await house.quarterJobs(name) });
        }
        const setting = { now: house.clock.now(), time: localTime(house.calendar.zone) };
        printResult(context.terminal, shown.length === 1 ? shown[0] : shown, (_, width) =>
          shown
            .map(({ next, jobs, ...detail }) =>
              renderQuarter(detail, { ...setting, next: next ?? undefined, jobs, width }),
            )
            .join('\n\n\n'),
        );
      });
    });
}
