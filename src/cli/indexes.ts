import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { AppError } from '../core/errors.ts';
import { buildIndexFile } from '../db/index-file-build.ts';
import { packageRoot } from '../db/root.ts';
import { auditIndexes } from '../summaries/index-audit.ts';
import { reindex } from '../summaries/index-reindex.ts';
import { watchBuilds } from './build-watch.ts';
import {
  type CliCommand,
  type CommandContext,
  type CommandKit,
  command,
  contextOf,
  group,
  withHouse,
} from './command.ts';
import { indexAuditJson, indexBuildJson } from './json-house.ts';
import { renderAudit, renderBuilds, renderReindex } from './render-indexes.ts';
import { printResult } from './terminal.ts';

interface BuildOptions {
  readonly json?: boolean;
  readonly dryRun?: boolean;
}

interface AuditOptions {
  readonly json?: boolean;
  readonly apply?: boolean;
  readonly hours: number;
}

/** `quartermaster indexes build FILE | audit [--apply]` */
export function indexesCommand(kit: CommandKit): CliCommand {
  const indexes = group('indexes', 'build indexes while others write, and find out what is wrong with them', [
    'indexes build by-currency.sql',
    'indexes build by-currency.sql --dry-run',
    'indexes audit',
    'indexes audit --apply --hours 6',
  ]);
  return indexes.addCommand(buildCommand(kit)).addCommand(auditCommand(kit));
}

function buildCommand(kit: CommandKit): CliCommand {
  const says = 'build the indexes of a file without blocking writers; killed, it goes on where it stopped';
  return command('build', says, ['indexes build by-currency.sql', 'indexes build by-currency.sql --dry-run'])
    .argument('<file>', 'one or more CREATE INDEX name ON schema.table …; and comments, nothing else')
    .option('--dry-run', 'change nothing, and print the statements that would be sent')
    .prints(indexBuildJson)
    .action(async (file: string, options: BuildOptions) => {
      const context = contextOf(kit, options, 'warn');
      const text = await readIndexFile(file);
      await withHouse(context, ({ database }) =>
        build(kit, context, database.direct, { name: file, text }, options),
      );
    });
}

function auditCommand(kit: CommandKit): CliCommand {
  const says = 'say which indexes are missing, broken, bloated or of no use, and what mends each';
  return command('audit', says, ['indexes audit', 'indexes audit --apply --hours 6'])
    .option('--apply', 'build anew what is bloated or invalid, one at a time, while others write')
    .option('--hours <hours>', 'stop building anew after that long', hours, 2)
    .prints(indexAuditJson)
    .action(async (options: AuditOptions) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async ({ database }) => {
        const audit = await auditIndexes(database, { signal: kit.entry.signal });
        if (options.apply !== true) {
          printResult(context.terminal, audit, renderAudit);
          return;
        }
        const applied = await reindex(database, {
          budget: options.hours * 3600,
          ...watchBuilds(kit, context.terminal),
        });
        printResult(
          context.terminal,
          { audit, applied },
          () => `${renderAudit(audit)}\n\n${renderReindex(applied)}`,
        );
      });
    });
}

async function build(
  kit: CommandKit,
  context: CommandContext,
  direct: Parameters<typeof buildIndexFile>[0],
  file: { readonly name: string; readonly text: string },
  { dryRun = false }: BuildOptions,
): Promise<void> {
  const statements: string[] = [];
  const reports = await buildIndexFile(direct, file, {
    dryRun,
    ...watchBuilds(kit, context.terminal),
    onStatement: (statement) => void statements.push(statement),
  });
  if (dryRun) {
    printResult(context.terminal, { statements }, () =>
      statements.length === 0 ? '-- There is nothing to do.' : statements.map((one) => `${one};`).join('\n'),
    );
  } else printResult(context.terminal, reports, renderBuilds);
}

/** The file as it is called, or as a finding calls it: below the program's own directory. */
async function readIndexFile(file: string): Promise<string> {
  for (const path of [file, join(packageRoot(), file)]) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw new AppError(
          'invalid',
          'bad_index_file',
          `${path} cannot be read: ${(error as Error).message}.`,
          { cause: error },
        );
      }
    }
  }
  throw new AppError('invalid', 'bad_index_file', `There is no file ${file}.`);
}

function hours(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 168)) throw new InvalidArgumentError('Write hours, as 2 or 0.5, up to 168.');
  return value;
}
