import type { Command } from 'commander';
import { Option } from 'commander';
import { AppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import { previewReconcile, reconcile } from '../quarters/reconcile.ts';
import { type CommandContext, type CommandKit, command, contextOf, withHouse } from './command.ts';
import { examine } from './doctor/examine.ts';
import type { Finding } from './doctor/finding.ts';
import { createTeller } from './doctor/render.ts';
import type { ProcessKind } from './doctor/setup.ts';
import { personOf } from './person.ts';
import { renderRepair } from './reconcile.ts';
import { printResult, type Terminal } from './terminal.ts';

interface Options {
  readonly json?: boolean;
  readonly fix?: boolean;
  readonly dryRun?: boolean;
  readonly strict?: boolean;
  readonly only?: readonly string[];
  readonly as?: ProcessKind;
}

/**
 * `quartermaster doctor`: looks at the set-up and at the invariants that live in the data. It changes nothing, but with
 * `--fix`, which first does what `quartermaster reconcile --fix` does.
 */
export function doctorCommand(kit: CommandKit): Command {
  return command('doctor', 'check the set-up and the books, and say what to do', [
    'doctor',
    'doctor --only store --only clocks',
    'doctor --as worker --strict',
    'doctor --json',
    'doctor --fix --dry-run',
  ])
    .option('--only <name...>', 'only these checks; docs/doctor.md lists them')
    .addOption(
      new Option('--as <process>', 'whose settings these are (default: whose role it is)').choices([
        'api',
        'worker',
        'owner',
      ]),
    )
    .option('--strict', 'end as failed for advice too')
    .option('--fix', 'first mend what is safe to mend')
    .option('--dry-run', 'with --fix: mend nothing, and say what would be')
    .action(async (options: Options) => {
      const terminal: Terminal = { out: kit.out, err: kit.err, json: options.json === true };
      const teller = createTeller(terminal);
      const mended = options.fix === true ? await mend(contextOf(kit, options, 'error'), options) : [];
      for (const finding of mended) teller.tell(finding);
      const { only, as } = options;
      const found = await examine(kit.entry, { only, as, onFinding: (finding) => teller.tell(finding) });
      throwIfAborted(kit.entry.signal);
      const findings = [...mended, ...found];
      if (terminal.json) printResult(terminal, findings, () => '');
      else teller.end(findings);
      const counted = options.strict === true ? ['failed', 'advice'] : ['failed'];
      const bad = findings.filter(({ outcome }) => counted.includes(outcome));
      if (bad.length > 0) {
        throw new AppError('config', 'unhealthy', `${bad.length} of ${findings.length} checks failed.`);
      }
    });
}

const MENDING = { name: 'fix', group: 'The books' } as const;

/** Mends what is safe, each thing as a finding of its own. */
async function mend(context: CommandContext, { dryRun: isDry = false }: Options): Promise<Finding[]> {
  try {
    return await withHouse(context, async (house) => {
      const wanted = { fix: true, create: house.config.createQuarters };
      const run = { actor: personOf(), signal: context.entry.signal };
      const report = await (isDry
        ? previewReconcile(house.quarters, wanted)
        : reconcile(house.quarters, run, wanted));
      return [
        ...report.fixed.map(
          (repair): Finding => ({
            ...MENDING,
            check: `${repair.relation} is as its table`,
            outcome: isDry ? 'failed' : 'fixed',
            found: renderRepair(repair, isDry ? 'would be' : 'was'),
          }),
        ),
        ...report.failed.map(
          ({ what, detail }): Finding => ({
            ...MENDING,
            check: `${what} can be mended`,
            outcome: 'failed',
            found: detail,
          }),
        ),
      ];
    });
  } catch (error) {
    // What keeps it from being mended keeps the checks from succeeding, and they tell it better.
    if (!(error instanceof AppError)) throw error;
    return [{ ...MENDING, check: 'something can be mended', outcome: 'skipped', why: error.detail }];
  }
}
