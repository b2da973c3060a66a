import { Argument, type Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { isQuarterName } from '../core/quarter.ts';
import { type CommandKit, command, contextOf, withHouse } from './command.ts';
import { personOf } from './person.ts';
import { progressBar } from './progress.ts';
import { renderFacts } from './render-verbs.ts';
import { printResult } from './terminal.ts';

/** `quartermaster run JOB`: the handler of a job, here and now, without the queue. */
export function runCommand(kit: CommandKit): Command {
  return command('run', 'run one job in the foreground, as the worker would', [
    'run reconcile-partitions',
    'run refresh-summaries --json',
    'run close 2024q1',
  ])
    .addArgument(new Argument('<job>', 'the name of the job; an unknown one lists them all'))
    .argument('[quarter]', 'for the jobs that work on one, as 2024q1')
    .action(async (name: string, quarter: string | undefined, options: { json?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async (house) => {
        if (!house.jobNames.includes(name)) {
          const detail = `There is no job ${name}. There are: ${house.jobNames.join(', ')}.`;
          throw new AppError('invalid', 'no_such_job', detail);
        }
        if (quarter !== undefined && !isQuarterName(quarter)) {
          throw new AppError('invalid', 'invalid_quarter', `${quarter} is no quarter. Write it as 2024q1.`);
        }
        const bar = progressBar(context.terminal, `${name}${quarter === undefined ? '' : ` ${quarter}`}`);
        // Who asks by this way is the one who asks by any other: or two ways would make two people.
        const data = quarter === undefined ? {} : { quarter, actor: personOf() };
        const report = await house.runJob(name, data, {
          signal: kit.entry.signal,
          onProgress: ({ done, total, bytes }) => bar.update(done, total, bytes),
        });
        bar.end();
        printResult(context.terminal, report, renderFacts);
      });
    });
}
