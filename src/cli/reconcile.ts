import type { Repair } from '../quarters/drift-fix.ts';
import { previewReconcile, type ReconcileReport, reconcile } from '../quarters/reconcile.ts';
import { type CliCommand, type CommandKit, command, contextOf, withHouse } from './command.ts';
import { reconcileJson } from './json-house.ts';
import { type LocalTime, localTime } from './local-time.ts';
import { paint } from './paint.ts';
import { personOf } from './person.ts';
import { note, printResult } from './terminal.ts';

interface Options {
  readonly json?: boolean;
  readonly fix?: boolean;
  readonly dryRun?: boolean;
}

/** `quartermaster reconcile [--fix] [--dry-run]`: partitions and state rows, brought to what they should be. */
export function reconcileCommand(kit: CommandKit): CliCommand {
  return command('reconcile', 'create quarters ahead, end what was interrupted, and say what differs', [
    'reconcile',
    'reconcile --fix --dry-run',
    'reconcile --fix',
  ])
    .option('--fix', 'also mend what partitions have otherwise than their tables, where that is safe')
    .option('--dry-run', 'change nothing, and say what would be done')
    .prints(reconcileJson)
    .action(async (options: Options) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async (house) => {
        const time = localTime(house.calendar.zone);
        const wanted = { fix: options.fix === true, create: house.config.createQuarters };
        if (options.dryRun === true) {
          const report = await previewReconcile(house.quarters, wanted);
          printResult(context.terminal, report, (found) => renderReconcile(found, 'would be', time));
          return;
        }
        const report = await reconcile(
          house.quarters,
          {
            actor: personOf(),
            signal: kit.entry.signal,
            onBlocked: (relations, blockers) => {
              const who = blockers.map(
                ({ pid, transactionAge }) => `pid ${pid} for ${Math.round(transactionAge)} s`,
              );
              note(
                context.terminal,
                `Waiting for ${relations.join(', ')}: ${who.join(', ') || 'another session'}.`,
              );
            },
          },
          wanted,
        );
        printResult(context.terminal, report, (found) => renderReconcile(found, 'was', time));
      });
    });
}

/** One line a thing: what was done, what failed, and what is left for a person. */
function renderReconcile(report: ReconcileReport, verb: 'was' | 'would be', time: LocalTime): string {
  const lines = [
    ...report.created.map((quarter) => `${quarter} ${verb} created.`),
    ...report.finalized.map((name) => `The interrupted detach of ${name} ${verb} ended.`),
    ...report.repaired.map((quarter) => `The state of ${quarter} ${verb} brought up to date.`),
    ...report.fixed.map((repair) => `${renderRepair(repair, verb)}`),
    ...report.failed.map(
      ({ what, code, detail }) => `${paint('bad', 'FAILED')}  ${what}: ${detail} [${code}]`,
    ),
    ...report.drift.map(({ detail }) => `${paint('attention', 'LEFT')}    ${detail}`),
  ];
  const ahead = `Rows have a quarter to go to until ${time.minute(report.horizon)} (${time.zone}).`;
  return [...(lines.length === 0 ? ['All is as it should be.'] : lines), ahead].join('\n');
}

export function renderRepair({ relation, did }: Repair, verb: 'was' | 'would be'): string {
  return `${relation} ${verb} mended: ${did.join('; ')}.`;
}
