import { basename, dirname, resolve } from 'node:path';
import { archivesIn, type ChainVerification, verifyChain } from '../archive/chain.ts';
import { openDiskStore } from '../archive/disk-store.ts';
import { MANIFEST } from '../archive/format.ts';
import type { Store } from '../archive/store.ts';
import { type ArchiveVerification, inspectArchive } from '../archive/verify.ts';
import { AppError, isAppError } from '../core/errors.ts';
import { isQuarterName } from '../core/quarter.ts';
import { type CliCommand, type CommandKit, command, group, terminalOf } from './command.ts';
import { archiveVerifyJson } from './json-books.ts';
import { paint } from './paint.ts';
import { progressBar } from './progress.ts';
import { parseQuarterRange, QUARTERS_FORMS, type QuarterRange } from './quarter-range.ts';
import { outcomeText } from './render-verbs.ts';
import { formatBytes, formatCount, printable, printResult, type Terminal } from './terminal.ts';

interface Options {
  readonly json?: boolean;
  readonly chainOnly?: boolean;
  readonly head?: string;
  readonly quarters?: string;
}

/** An archive with what was found of it. Where not even its manifest can be read there is only a fault. */
interface Found {
  readonly folder: string;
  readonly ok: boolean;
  readonly archive?: ArchiveVerification;
  readonly fault?: string;
}

/** The chain of the archives in one folder. */
interface FoundChain extends Partial<ChainVerification> {
  readonly folder: string;
  readonly ok: boolean;
  readonly fault?: string;
}

/** `quartermaster archive verify DIR`: for the auditor, who has the directory and no database. */
export function archiveCommand(kit: CommandKit): CliCommand {
  const examples = [
    'archive verify ./var/archive/ledger/2024q1',
    'archive verify ./var/archive/ledger',
    'archive verify ./var/archive/ledger --quarters 2019q1..2020q4',
    'archive verify ./var/archive/ledger --chain-only',
  ];
  const archive = group('archive', 'work on archives without any database', examples);
  const says = 'check archives against their manifests, their rows against each other, and the chain';
  const verify = command('verify', says, examples)
    .argument(
      '<directory>',
      'the folder of one archive, which holds manifest.json, or a folder with archives in it',
    )
    .option('--quarters <quarters>', `of a folder only these archives, as ${QUARTERS_FORMS}`)
    .option('--chain-only', 'read the manifests only, and follow their chain')
    .option('--head <sha256>', 'of a manifest noted before: the chain has to lead through it')
    .prints(archiveVerifyJson)
    .action(async (directory: string, options: Options) => {
      const terminal = terminalOf(kit, options);
      const path = resolve(directory);
      const isOne = (await openDiskStore(path).stat(MANIFEST)) !== undefined;
      const asOne = !options.chainOnly && options.head === undefined && options.quarters === undefined;
      if (isOne && asOne) await verifyOne(kit, terminal, path);
      else await verifyAll(kit, terminal, isOne ? dirname(path) : path, options);
    });
  return archive.addCommand(verify);
}

async function verifyOne(kit: CommandKit, terminal: Terminal, path: string): Promise<void> {
  const report = await inspect(kit, terminal, openDiskStore(dirname(path)), basename(path));
  printResult(terminal, report, renderArchive);
  requireNoFault(faultsOf(report), 'archive_damaged');
}

/** Every archive below the folder, and the chain of each folder that has some. One damaged does not hide another. */
async function verifyAll(
  kit: CommandKit,
  terminal: Terminal,
  path: string,
  { chainOnly, head, quarters }: Options,
): Promise<void> {
  const range = quarters === undefined ? undefined : parseQuarterRange(quarters);
  const store = openDiskStore(dirname(path));
  const folders = await archivesIn(store, basename(path));
  if (folders.length === 0) {
    const detail = `There is no ${MANIFEST} in ${path}, nor in a folder below it.`;
    throw new AppError('not_found', 'not_in_store', detail);
  }
  const archives: Found[] = [];
  const wanted = range === undefined ? folders : wantedOf(folders, range);
  if (!chainOnly) for (const folder of wanted) archives.push(await find(kit, terminal, store, folder));
  const chains: FoundChain[] = [];
  for (const folder of new Set(folders.map((one) => dirname(one)))) {
    const chain = await verifyChain(store, folder, { known: head, signal: kit.entry.signal }).catch(asFault);
    chains.push(
      typeof chain === 'string' ? { folder, ok: false, fault: chain } : { folder, ok: true, ...chain },
    );
  }
  printResult(terminal, { archives, chains }, () =>
    [...archives.map(renderFound), ...chains.map(renderChain)].join('\n'),
  );
  requireNoFault(
    chains.flatMap(({ fault = [] }) => fault),
    'chain_broken',
  );
  const damaged = archives.filter(({ ok }) => !ok).map(({ folder }) => `${folder} is damaged.`);
  requireNoFault(damaged, 'archive_damaged');
}

/** The folders of the archives that are wanted: all of them have to be there. The chain is followed in full all the same. */
function wantedOf(folders: readonly string[], range: QuarterRange): string[] {
  const known = folders.map((folder) => basename(folder)).filter(isQuarterName);
  const names = range.names([...new Set(known)].sort());
  const missing = names.filter((name) => !known.includes(name));
  if (missing.length > 0) {
    const detail = `There is no archive of ${missing.join(', ')} there. There are those of ${known.join(', ')}.`;
    throw new AppError('not_found', 'not_in_store', detail);
  }
  return folders.filter((folder) => names.includes(basename(folder)));
}

async function find(kit: CommandKit, terminal: Terminal, store: Store, folder: string): Promise<Found> {
  const archive = await inspect(kit, terminal, store, folder).catch(asFault);
  if (typeof archive === 'string') return { folder, ok: false, fault: archive };
  return { folder, ok: archive.checks.every(({ ok }) => ok), archive };
}

async function inspect(
  kit: CommandKit,
  terminal: Terminal,
  store: Store,
  folder: string,
): Promise<ArchiveVerification> {
  const bar = progressBar(terminal, `Verifying ${basename(folder)}`);
  const report = await inspectArchive(store, folder, {
    signal: kit.entry.signal,
    onProgress: ({ done, total }) => bar.update(done, total),
  });
  bar.end();
  return report;
}

/** What is wrong with an archive is a finding; that it could not be read, or that we are to stop, is a failure. */
function asFault(error: unknown): string {
  if (isAppError(error, 'corrupt') || isAppError(error, 'unsupported_format')) return error.detail;
  throw error;
}

function faultsOf({ location, checks }: ArchiveVerification): string[] {
  return checks
    .filter(({ ok }) => !ok)
    .map(({ name, detail }) => `The archive in ${location} is damaged. ${name}: ${detail}.`);
}

function requireNoFault(faults: readonly string[], code: string): void {
  if (faults.length > 0) throw new AppError('corrupt', code, faults.join(' '));
}

function renderArchive(report: ArchiveVerification): string {
  const checks = report.checks.map(
    ({ name, ok, detail }) => `  ${outcomeText(ok, 'FAULT')}  ${name}: ${printable(detail)}`,
  );
  const size = `${formatCount(report.rows)} rows in ${formatCount(report.files)} files, ${formatBytes(report.bytes)}`;
  return `${paint('heading', printable(report.quarter))}: ${size}\n${checks.join('\n')}\ndigest ${report.digest}`;
}

function renderFound({ folder, archive, fault }: Found): string {
  return archive === undefined
    ? `${paint('heading', printable(folder))}\n  ${outcomeText(false, 'FAULT')}  manifest: ${printable(fault ?? '')}`
    : renderArchive(archive);
}

function renderChain({ folder, quarters = [], head, fault }: FoundChain): string {
  if (fault !== undefined)
    return `chain of ${printable(folder)}\n  ${outcomeText(false, 'FAULT')}  ${printable(fault)}`;
  return `chain of ${printable(folder)}\n  ${outcomeText(true, 'FAULT')}  ${formatCount(quarters.length)} archives, from ${quarters[0]} to ${quarters.at(-1)}\nhead ${head}`;
}
