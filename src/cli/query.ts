import { basename, dirname, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { createFileCache } from '../archive/cache.ts';
import type { Cell } from '../archive/cells.ts';
import { openDiskStore } from '../archive/disk-store.ts';
import { type ArchiveAnswer, type ArchiveSource, queryArchives } from '../archive/query.ts';
import { readManifest } from '../archive/verify.ts';
import { AppError } from '../core/errors.ts';
import { type AdHocResult, runQuery } from '../db/adhoc.ts';
import { createRouter } from '../db/routing.ts';
import { createSourceFinder } from '../quarters/archived-sources.ts';
import { type CliCommand, type CommandKit, command, contextOf, terminalOf, withHouse } from './command.ts';
import { queryJson } from './json-books.ts';
import { parseQuarterRange, QUARTERS_FORMS } from './quarter-range.ts';
import { namesOf } from './quarters-given.ts';
import { table } from './table.ts';
import { formatCount, note, printable, printResult, type Terminal } from './terminal.ts';

interface Flags {
  json?: boolean;
  maxRows: number;
  timeout: number;
  quarters?: string;
  archive?: readonly string[];
}

/** `quartermaster query SQL`: what no endpoint answers, without harm to the ledger or to those who write to it. */
export function queryCommand(kit: CommandKit): CliCommand {
  return command('query', 'run one read-only query on the database, or on archives where they lie', [
    'query "SELECT status, count(*) FROM ledger.transactions GROUP BY status"',
    'query "TABLE quartermaster.quarters" --json',
    'query "SELECT * FROM ledger.entries ORDER BY created_at" --max-rows 20 --timeout 300',
    'query "SELECT currency, sum(amount) FROM ledger.transactions GROUP BY currency" --quarters 2019q1..2019q4',
    'query "SELECT * FROM ledger.quarter_balances" --archive ./2019q1,./2019q2',
  ])
    .argument('<sql>', 'one SELECT, VALUES, TABLE or WITH')
    .option('--max-rows <rows>', 'how many rows are printed at most', countTo(100_000), 1000)
    .option('--timeout <seconds>', 'how long the query may take', countTo(86_400), 30)
    .option('--quarters <quarters>', `read the archives of these instead, as ${QUARTERS_FORMS}`)
    .option('--archive <directories>', 'read these archives, with no database and no settings', list)
    .prints(queryJson)
    .action(async (text: string, flags: Flags) => {
      const terminal = terminalOf(kit, flags);
      if (flags.archive !== undefined && flags.quarters !== undefined) {
        const detail = 'Give --quarters or --archive, and not both: the one is found by the database.';
        throw new AppError('invalid', 'bad_option', detail);
      }
      const limits = {
        sql: text,
        maxRows: flags.maxRows,
        timeoutMs: flags.timeout * 1000,
        signal: kit.entry.signal,
      };
      if (flags.archive !== undefined) {
        // Nothing is kept: what is in a directory is read where it is.
        const cache = createFileCache({ maxBytes: 0 });
        const answer = await queryArchives(cache, await openArchives(flags.archive), limits);
        show(terminal, answer, fromArchives(answer));
        return;
      }
      const range = flags.quarters === undefined ? undefined : parseQuarterRange(flags.quarters);
      const context = contextOf(kit, flags, 'warn');
      await withHouse(context, async (house) => {
        if (range !== undefined) {
          const quarters = await namesOf(house, range);
          const sources = await createSourceFinder(house.quarters)(quarters);
          const answer = await queryArchives(house.archiveFiles, sources, limits);
          show(terminal, answer, fromArchives(answer));
          return;
        }
        const { config, logger } = context;
        const router = createRouter({
          database: house.database,
          maxLagMs: config.replicaMaxLag * 1000,
          onReplicaState: (report) => {
            if (report.state !== 'ok') logger.warn(report, 'the replica is not used');
          },
        });
        await router.start();
        try {
          const result = await runQuery(router, { ...limits, costLimit: config.replicaCost });
          const cost = formatCount(Math.round(result.cost));
          show(terminal, result, `From the ${result.server}, at a cost of ${cost}.`);
        } finally {
          await router.stop();
        }
      });
    });
}

/** The archives in directories. Their manifests are believed: there is nobody to ask whether they are the right ones. */
async function openArchives(directories: readonly string[]): Promise<ArchiveSource[]> {
  const sources: ArchiveSource[] = [];
  for (const directory of directories) {
    const path = resolve(directory);
    const [store, folder] = [openDiskStore(dirname(path)), basename(path)];
    const { manifest } = await readManifest(store, folder);
    if (sources.some((source) => source.manifest.quarter === manifest.quarter)) {
      const detail = `${directory} is another archive of ${manifest.quarter}, whose rows would be there twice. Give one.`;
      throw new AppError('invalid', 'bad_option', detail);
    }
    sources.push({ store, folder, manifest });
  }
  return sources;
}

function countTo(maximum: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (count >= 1 && count <= maximum) return count;
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${maximum}.`);
  };
}

/** May be given again and again, and with commas. */
function list(text: string, before: readonly string[] = []): string[] {
  const names = text.split(',');
  if (names.includes('')) throw new InvalidArgumentError('It must be directories with commas between them.');
  return [...before, ...names];
}

type Result = Pick<AdHocResult | ArchiveAnswer, 'columns' | 'rows' | 'truncated'>;

/** Prints what was found, and on the other stream how much that is and where it comes from. */
function show<R extends Result>(terminal: Terminal, result: R, origin: string): void {
  printResult(terminal, result, renderResult);
  if (terminal.json) return;
  const count = formatCount(result.rows.length);
  const rows = result.rows.length === 1 ? 'row' : 'rows';
  const told = result.truncated ? `The first ${count} ${rows}; there are more.` : `${count} ${rows}.`;
  note(terminal, `${told} ${origin}`);
}

function fromArchives({ quarters }: ArchiveAnswer): string {
  const [first, last] = [quarters[0], quarters.at(-1)];
  if (quarters.length === 1) return `From the archive of ${first}.`;
  return quarters.length <= 4
    ? `From the archives of ${quarters.join(', ')}.`
    : `From ${quarters.length} archives, of ${first} to ${last}.`;
}

function renderResult({ columns, rows }: Result, width: number): string {
  const numeric = columns.filter(({ type }) =>
    /^(smallint|integer|bigint|numeric|real|double|oid)(?!.*\[)/.test(type),
  );
  return table(
    columns.map(({ name }) => printable(name)),
    rows.map((row) => row.map(cellText)),
    numeric.map(({ name }) => printable(name)),
    { width, stack: true },
  );
}

function cellText(cell: Cell): string {
  return cell === null ? 'NULL' : printable(String(cell));
}
