import type { MigrationStatus } from '../db/schema-version.ts';
import { watchBuilds } from './build-watch.ts';
import { type CliCommand, type CommandKit, command, contextOf, group } from './command.ts';
import { requireConfirmed } from './confirm.ts';
import { migrateDownJson, migrateStatusJson, migrateUpJson } from './json-house.ts';
import { paint } from './paint.ts';
import { printResult } from './terminal.ts';

/** `quartermaster migrate up|down|status` */
export function migrateCommand(kit: CommandKit): CliCommand {
  const migrate = group('migrate', 'bring the database schema up to date, or take it back', [
    'migrate up',
    'migrate status --json',
    'migrate down --yes',
  ]);
  return migrate.addCommand(upCommand(kit)).addCommand(downCommand(kit)).addCommand(statusCommand(kit));
}

function upCommand(kit: CommandKit): CliCommand {
  const says =
    'run every migration that is missing, and build its indexes while others write; safe to run from two pods at once';
  return command('up', says, ['migrate up', 'migrate up --json'])
    .prints(migrateUpJson)
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
}

function downCommand(kit: CommandKit): CliCommand {
  return command('down', 'take back the last migration; what its tables hold is lost', [
    'migrate down',
    'migrate down --all --yes',
  ])
    .option('--all', 'take back every migration')
    .option('--yes', 'that it is meant, without being asked')
    .prints(migrateDownJson)
    .action(async (options: { json?: boolean; all?: boolean; yes?: boolean }) => {
      const { entry, terminal, config } = contextOf(kit, options, 'warn');
      // Which one it is has to be asked only where somebody is asked.
      const last = options.yes === true ? undefined : (await entry.migrationStatus(config)).applied.at(-1);
      if (options.yes === true || last !== undefined) {
        await requireConfirmed(kit, terminal, options, {
          loses: [
            options.all === true
              ? 'This destroys every ledger of this database, with all that was ever booked and is not in an archive.'
              : `This takes back ${last}, the last migration, and destroys the data of the tables that it brought.`,
          ],
          type: 'yes',
          otherwise: 'Add --yes to do it.',
        });
      }
      const report = await entry.migrateDown(config, { all: options.all === true });
      printResult(terminal, report, ({ ran }) =>
        ran.length === 0 ? 'There is nothing to take back.' : `Took back:\n  ${ran.join('\n  ')}`,
      );
    });
}

function statusCommand(kit: CommandKit): CliCommand {
  return command(
    'status',
    'say which migrations have run, and whether this version can work with the schema',
    ['migrate status', 'migrate status --json'],
  )
    .prints(migrateStatusJson)
    .action(async (options: { json?: boolean }) => {
      const { entry, terminal, config } = contextOf(kit, options, 'warn');
      const status = await entry.migrationStatus(config);
      printResult(terminal, status, renderStatus);
    });
}

function renderStatus({ applied, pending, unknown, oldestCode, compatible }: MigrationStatus): string {
  const verdict = compatible
    ? 'This version works with the schema'
    : 'This version cannot work with the schema';
  const why = oldestCode === null ? '' : `; what runs on it has to know migration ${oldestCode} or later`;
  return [
    ...applied.map((name) => `${paint('good', 'applied')}  ${name}`),
    ...pending.map((name) => `${paint('attention', 'pending')}  ${name}`),
    ...unknown.map((name) => `${paint('attention', 'newer')}    ${name}`),
    '',
    `${verdict}${why}.`,
  ].join('\n');
}
