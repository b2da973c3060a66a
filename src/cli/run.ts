import { Argument } from 'commander';
import { AppError } from '../core/errors.ts';
import { type CliCommand, type CommandKit, command, contextOf, withHouse } from './command.ts';
import { runJson } from './json-house.ts';
import { localTime } from './local-time.ts';
import { personOf } from './person.ts';
import { progressBar } from './progress.ts';
import { parseQuarterName } from './quarter-range.ts';
import { renderFacts } from './render-verbs.ts';
import { printResult } from './terminal.ts';

/** `quartermaster run JOB`: the handler of a job, here and now, without the queue. */
export function runCommand(kit: CommandKit): CliCommand {
  return command('run', 'run one job in the foreground, as the worker would', [
    'run reconcile-partitions',
    'run refresh-summaries --json',
    'run close 2024q1',
  ])
    .addArgument(new Argument('<job>', 'the name of the job; an unknown one lists them all'))
    .argument('[quarter]', 'for the jobs that work on one, as 2024q1')
    .prints(runJson)
    .action(async (name: string, given: string | undefined, options: { json?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async (house) => {
        if (!house.jobNames.includes(name)) {
          const detail = `There is no job ${name}. There are: ${house.jobNames.join(', ')}.`;
          throw new AppError('invalid', 'no_such_job', detail);
        }
        const quarter = given === undefined ? undefined : parseQuarterName(given);
        const bar = progressBar(context.terminal, `${name}${quarter === undefined ? '' : ` ${quarter}`}`);
        // Who asks by this way is the one who asks by any other: or two ways would make two people.
        const data = quarter === undefined ? {} : { quarter, actor: personOf() };
        const report = await house.runJob(name, data, {
          signal: kit.entry.signal,
          onProgress: ({ done, total, bytes }) => bar.update(done, total, bytes),
        });
        bar.end();
        const time = localTime(house.calendar.zone);
        printResult(context.terminal, report, (facts) => renderFacts(facts, time));
      });
    });
}
