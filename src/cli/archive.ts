import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { openDiskStore } from '../archive/disk-store.ts';
import { type ArchiveVerification, verifyArchive } from '../archive/verify.ts';
import { type CommandKit, group, JSON_OPTION } from './command.ts';
import { progressBar } from './progress.ts';
import { formatBytes, formatCount, printResult, type Terminal } from './terminal.ts';

/** `quartermaster archive verify DIR`: for the auditor, who has the directory and no database. */
export function archiveCommand(kit: CommandKit): Command {
  const archive = group('archive', 'work on archives without any database', [
    'archive verify ./var/archive/ledger/2024q1',
  ]);
  archive
    .command('verify')
    .description('check every file of an archive against its manifest, and the rows against each other')
    .argument('<directory>', 'the folder that holds manifest.json')
    .option(...JSON_OPTION)
    .action(async (directory: string, options: { json?: boolean }) => {
      const terminal: Terminal = { out: kit.out, err: kit.err, json: options.json === true };
      const path = resolve(directory);
      const bar = progressBar(terminal, `Verifying ${basename(path)}`);
      const report = await verifyArchive(openDiskStore(dirname(path)), basename(path), {
        signal: kit.entry.signal,
        onProgress: ({ done, total }) => bar.update(done, total),
      });
      bar.end();
      printResult(terminal, report, render);
    });
  return archive;
}

function render(report: ArchiveVerification): string {
  const checks = report.checks.map(
    (check) => `  ok  ${check.name}${check.detail === undefined ? '' : `: ${check.detail}`}`,
  );
  const size = `${formatCount(report.rows)} rows in ${formatCount(report.files)} files, ${formatBytes(report.bytes)}`;
  return `${report.quarter}: ${size}\n${checks.join('\n')}\ndigest ${report.digest}`;
}
