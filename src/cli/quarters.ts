import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { compareQuarters, isQuarterName, nextName } from '../core/quarter.ts';
import { archiveQuarter } from '../quarters/archive.ts';
import { closeQuarter } from '../quarters/close.ts';
import type { QuarterHouse, QuarterRun } from '../quarters/context.ts';
import { createQuarter } from '../quarters/create.ts';
import { detachQuarter } from '../quarters/detach.ts';
import { holdQuarter } from '../quarters/hold.ts';
import { listQuarters, showQuarter } from '../quarters/list.ts';
import { unholdQuarter } from '../quarters/unhold.ts';
import { verifyQuarter } from '../quarters/verify.ts';
import { type CommandKit, contextOf, group, JSON_OPTION, withHouse } from './command.ts';
import { progressBar } from './progress.ts';
import { renderQuarter, renderQuarters } from './render-quarters.ts';
import { note, printResult, type Terminal } from './terminal.ts';

type Verb = (house: QuarterHouse, run: QuarterRun, quarter: string) => Promise<object>;

/** The verbs of the command line, each with what it does to a quarter. */
const verbs: Readonly<Record<string, { run: Verb; says: string }>> = {
  create: { run: createQuarter, says: "create the quarter's partitions and attach them" },
  close: {
    run: closeQuarter,
    says: 'check the quarter, fix its trial balance and let nothing change it any more',
  },
  archive: { run: archiveQuarter, says: 'write the quarter to Parquet, read it back and compare' },
  verify: { run: verifyQuarter, says: 'read the archive again and compare it with what was closed' },
  detach: { run: detachQuarter, says: 'take the archived quarter out of the ledger; its tables stay' },
  hold: { run: holdQuarter, says: 'let nothing take the quarter out, for a --reason' },
  unhold: { run: unholdQuarter, says: 'let a held quarter go on' },
};

/** `quartermaster quarters list|show|create|close|archive|verify|detach|hold|unhold` */
export function quartersCommand(kit: CommandKit): Command {
  const quarters = group('quarters', 'list the quarters and move them along their life', [
    'quarters list',
    'quarters show 2024q1',
    'quarters close 2024q1',
    'quarters archive 2023q1..2023q4 --reason "year-end"',
  ]);

  quarters
    .command('list')
    .description('every quarter with its state, its rows and its bytes')
    .option(...JSON_OPTION)
    .action(async (options: { json?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async (house) => {
        printResult(context.terminal, await listQuarters(house.quarters), renderQuarters);
      });
    });

  quarters
    .command('show')
    .description('one quarter: its story and its files')
    .argument('<quarter>', 'as 2024q1')
    .option(...JSON_OPTION)
    .action(async (name: string, options: { json?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async (house) => {
        printResult(context.terminal, await showQuarter(house.quarters, name), (quarter) =>
          renderQuarter(quarter, house.calendar.zone),
        );
      });
    });

  for (const [name, verb] of Object.entries(verbs)) {
    quarters
      .command(name)
      .description(verb.says)
      .argument('<quarters>', 'as 2024q1, or 2023q1..2023q4')
      .option('--reason <text>', 'why; kept in the story of the quarter')
      .option(...JSON_OPTION)
      .action(async (range: string, options: { json?: boolean; reason?: string }) => {
        const context = contextOf(kit, options, 'warn');
        const names = parseRange(range);
        await withHouse(context, async (house) => {
          const reports: object[] = [];
          for (const quarter of names) {
            reports.push(
              await runVerb(context.terminal, house.quarters, name, verb.run, quarter, kit, options.reason),
            );
          }
          const result = names.length === 1 ? (reports[0] ?? {}) : reports;
          if (context.terminal.json) printResult(context.terminal, result, () => '');
        });
      });
  }
  return quarters;
}

async function runVerb(
  terminal: Terminal,
  house: QuarterHouse,
  name: string,
  verb: Verb,
  quarter: string,
  kit: CommandKit,
  reason: string | undefined,
): Promise<object> {
  const bar = progressBar(terminal, `${name} ${quarter}`);
  const report = await verb(
    house,
    {
      actor: personOf(),
      reason,
      signal: kit.entry.signal,
      onProgress: ({ done, total }) => bar.update(done, total),
      onBlocked: (relations, blockers) => {
        const who = blockers.map(
          (blocker) => `pid ${blocker.pid} for ${Math.round(blocker.transactionAge)} s`,
        );
        note(terminal, `Waiting for ${relations.join(', ')}: ${who.join(', ') || 'another session'}.`);
      },
    },
    quarter,
  );
  bar.end();
  return report;
}

/** Who sits at the terminal. A container may run as a user that has no name. */
function personOf(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** `2024q1` or `2023q1..2023q4`, both ends included, in order of time. */
export function parseRange(text: string): string[] {
  const [from, to = from, ...rest] = text.split('..');
  if (from === undefined || to === undefined || rest.length > 0 || ![from, to].every(isQuarterName)) {
    throw new AppError(
      'invalid',
      'invalid_quarter',
      `${text} is no quarter. Write 2024q1, or 2023q1..2023q4.`,
    );
  }
  if (compareQuarters(from, to) > 0) {
    throw new AppError('invalid', 'invalid_quarter', `${text} ends before it begins. Write ${to}..${from}.`);
  }
  const names = [from];
  while (names.at(-1) !== to) names.push(nextName(names.at(-1) as string));
  return names;
}
