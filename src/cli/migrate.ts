import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import type { MigrationStatus } from '../db/schema-version.ts';
import { watchBuilds } from './build-watch.ts';
import { type CommandKit, contextOf, group, JSON_OPTION } from './command.ts';
import { printResult } from './terminal.ts';

/** `quartermaster migrate up|down|status` */
export function migrateCommand(kit: CommandKit): Command {
  const migrate = group('migrate', 'bring the database schema up to date, or take it back', [
    'migrate up',
    'migrate status --json',
    'migrate down --yes',
  ]);

  migrate
    .command('up')
    .description(
      'run every migration that is missing, and build its indexes while others write; safe to run from two pods at once',
    )
    .option(...JSON_OPTION)
    .action(async (options: { json?: boolean }) => {
      const { entry, terminal, config, logger } = contextOf(kit, options, 'warn');
      const watch = watchBuilds(kit, terminal, { quiet: true });
      const report = await entry.migrateUp(config, logger, watch);
      printResult(terminal, report, ({ ran, granted = [] }) =>
        [
          ran.length === 0
            ? 'The schema is up to date.'
            : `Ran ${ran.length} migrations:\n  ${ran.join('\n  ')}`,
          ...(granted.length === 0 ? [] : [`Changed ${granted.length} rights of the roles.`]),
        ].join('\n'),
      );
    });

  migrate
    .command('down')
    .description('take back the last migration; what its tables hold is lost')
    .option('--all', 'take back every migration')
    .option('--yes', 'do it')
    .option(...JSON_OPTION)
    .action(async (options: { json?: boolean; all?: boolean; yes?: boolean }) => {
      const { entry, terminal, config } = contextOf(kit, options, 'warn');
      if (options.yes !== true) {
        const detail = 'This destroys the data of the tables it takes back. Add --yes to do it.';
        throw new AppError('invalid', 'not_confirmed', detail);
      }
      const report = await entry.migrateDown(config, { all: options.all === true });
      printResult(terminal, report, ({ ran }) =>
        ran.length === 0 ? 'There is nothing to take back.' : `Took back:\n  ${ran.join('\n  ')}`,
      );
    });

  migrate
    .command('status')
    .description('say which migrations have run, and whether this version can work with the schema')
    .option(...JSON_OPTION)
    .action(async (options: { json?: boolean }) => {
      const { entry, terminal, config } = contextOf(kit, options, 'warn');
      const status = await entry.migrationStatus(config);
      printResult(terminal, status, renderStatus);
    });

  return migrate;
}

function renderStatus({ applied, pending, unknown, oldestCode, compatible }: MigrationStatus): string {
  const verdict = compatible
    ? 'This version works with the schema'
    : 'This version cannot work with the schema';
  const why = oldestCode === null ? '' : `; what runs on it has to know migration ${oldestCode} or later`;
  return [
    ...applied.map((name) => `applied  ${name}`),
    ...pending.map((name) => `pending  ${name}`),
    ...unknown.map((name) => `newer    ${name}`),
    '',
    `${verdict}${why}.`,
  ].join('\n');
}
