import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/db/root.ts';
import { migrateUp } from '../support/migrate.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { doFixedWork } from './baseline-workload.ts';

/** What a statement costs, over all its calls. */
interface Cost {
  readonly calls: number;
  readonly rows: number;
  /** Pages of 8 KiB that were looked at, in memory or not. */
  readonly buffers: number;
  readonly walRecords: number;
  readonly walBytes: number;
}

const costs = ['calls', 'rows', 'buffers', 'walRecords', 'walBytes'] as const;

/**
 * What may come on top of a fifth. The work is the same each time, to the row; but a connection that had to be made anew, on a
 * machine that is slow, looks up in the catalog what the other knew, and tidies a page of it.
 */
const slackOf = ({ calls }: Cost): Cost => ({
  calls: 0,
  rows: 0,
  buffers: Math.min(2 + calls, 12),
  walRecords: 2,
  walBytes: 150,
});

const file = new URL('./baseline.json', import.meta.url);
const isWriting = process.env.QM_TEST_WRITE_BASELINE === '1';
/** Only the server that the tests bring along has the settings and the version by which costs can be compared. */
const isOther = process.env.QM_TEST_DATABASE_URL !== undefined || process.env.QM_TEST_CONTAINERS === '1';

/** Nothing runs beside, and nothing depends on when. */
const quiet = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track_utility': 'off',
  'pg_stat_statements.max': '5000',
  autovacuum: 'off',
  full_page_writes: 'off',
  // Or VACUUM would not know of what was committed last, and reads from an index alone would go to the table.
  synchronous_commit: 'on',
  checkpoint_timeout: '1d',
  max_wal_size: '8GB',
  shared_buffers: '256MB',
  bgwriter_lru_maxpages: '0',
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  timezone: 'UTC',
};

describe.skipIf(isOther)('the baseline, on a server of its own,', () => {
  let server: TestServer;
  let found: Readonly<Record<string, Cost>>;
  beforeAll(async () => {
    server = await startServer(quiet);
    const zone = zoneOfNoon(new Date());
    await migrateUp({ url: server.url, zone });
    const admin = new URL(server.adminUrl);
    admin.pathname = '/quartermaster';
    const client = new pg.Client({ connectionString: admin.href });
    await client.connect();
    try {
      await client.query('CREATE EXTENSION pg_stat_statements');
      await doFixedWork(server.url, zone, async () => {
        await client.query('SELECT pg_stat_statements_reset()');
      });
      found = await readCosts(client);
    } finally {
      await client.end();
    }
    if (isWriting) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
  }, 240_000);
  afterAll(() => server?.stop());

  const kept = (): Record<string, Cost> => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {});

  it('has no statement that costs a fifth more', () => {
    expect(grown(kept(), found)).toEqual([]);
  });

  it('has the same statements: `npm run plans:baseline` writes it anew, for somebody to look at the difference', () => {
    expect(Object.keys(found).sort()).toEqual(Object.keys(kept()).sort());
  });

  it('has every statement of sql/queries', () => {
    expect(missing(found, statementFiles())).toEqual([]);
  });

  it('notices two fifths more of every statement of sql/queries, for each is sent often enough', () => {
    const dearer = Object.fromEntries(statementFiles().map((name) => [name, twoFifthsMore(kept()[name])]));
    expect(grown(kept(), dearer)).toHaveLength(statementFiles().length);
  });
});

it('a statement that costs more is named with both numbers, and a page more is not', () => {
  const was = {
    one: cost({ buffers: 1000 }),
    two: cost({ buffers: 10 }),
    three: cost({ walBytes: 90_000 }),
    four: cost({ calls: 100, buffers: 100 }),
  };
  const near = {
    one: cost({ buffers: 1203 }),
    two: cost({ buffers: 15 }),
    four: cost({ calls: 120, buffers: 132 }),
  };
  expect(grown(was, { ...was, ...near })).toEqual([]);
  const far = {
    one: cost({ buffers: 1204 }),
    two: cost({ buffers: 16 }),
    three: cost({ walBytes: 200_000 }),
    four: cost({ calls: 121, buffers: 133 }),
  };
  expect(grown(was, far)).toEqual([
    'one: buffers were 1000, and are 1204',
    'two: buffers were 10, and are 16',
    'three: walBytes were 90000, and are 200000',
    'four: calls were 100, and are 121',
    'four: buffers were 100, and are 133',
  ]);
});

it('a statement that was only counted, or whose name ends another, is missing', () => {
  const names = ['transactions', 'list', 'days', 'constructor'];
  expect(missing({ 'count of list': cost({}), count_days: cost({}), transactions: cost({}) }, names)).toEqual(
    ['list', 'days', 'constructor'],
  );
});

function cost(changes: Partial<Cost>): Cost {
  return { calls: 1, rows: 1, buffers: 1, walRecords: 1, walBytes: 1, ...changes };
}

function grown(was: Readonly<Record<string, Cost>>, is: Readonly<Record<string, Cost>>): string[] {
  return Object.entries(is).flatMap(([name, now]) => {
    const then = was[name];
    if (then === undefined) return [];
    const slack = slackOf(then);
    return costs
      .filter((what) => now[what] > then[what] * 1.2 + slack[what])
      .map((what) => `${name}: ${what} were ${then[what]}, and are ${now[what]}`);
  });
}

/** Those of the names that were not called. */
function missing(found: Readonly<Record<string, Cost>>, names: readonly string[]): string[] {
  return names.filter((name) => !Object.hasOwn(found, name));
}

function twoFifthsMore(was: Cost | undefined): Cost {
  return { ...cost({}), ...was, buffers: Math.floor((was?.buffers ?? 0) * 1.4) + 1 };
}

/** A zone where it is about noon, so that no day and no quarter ends while this runs. The sign is POSIX's: west is positive. */
function zoneOfNoon(now: Date): string {
  const hours = now.getUTCHours() - 12;
  return hours === 0 ? 'UTC' : `Etc/GMT${hours > 0 ? '+' : ''}${hours}`;
}

function statementFiles(): string[] {
  return readdirSync(join(packageRoot(), 'sql', 'queries')).map((name) => name.replace(/\.sql$/, ''));
}

/** By the file of sql/queries, else by the text. Statements of one name are added up. */
async function readCosts(client: pg.Client): Promise<Record<string, Cost>> {
  const files = new Map(
    statementFiles().map((name) => {
      const text = readFileSync(join(packageRoot(), 'sql', 'queries', `${name}.sql`), 'utf8');
      return [plain(text), name];
    }),
  );
  const { rows } = await client.query<{ query: string } & Record<(typeof costs)[number], string>>(`
    SELECT s.query, s.calls, s.rows, s.shared_blks_hit + s.shared_blks_read AS buffers,
           s.wal_records AS "walRecords", s.wal_bytes AS "walBytes"
    FROM pg_stat_statements AS s
    WHERE s.userid = 'quartermaster'::regrole AND s.toplevel`);
  const found = new Map<string, Cost>();
  for (const row of rows) {
    const name = nameOf(plain(row.query), files);
    const known = found.get(name);
    const sum = (what: (typeof costs)[number]) => Number(row[what]) + (known?.[what] ?? 0);
    found.set(name, {
      calls: sum('calls'),
      rows: sum('rows'),
      buffers: sum('buffers'),
      walRecords: sum('walRecords'),
      walBytes: sum('walBytes'),
    });
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function nameOf(text: string, files: ReadonlyMap<string, string>): string {
  const [, counted] = /^select count\(\*\)::integer as found from \( (.*) \) as listed$/.exec(text) ?? [];
  const name = files.get(counted ?? text);
  if (name !== undefined) return counted === undefined ? name : `count of ${name}`;
  return text.length <= 200 ? text : `${text.slice(0, 120)} … ${text.slice(-75)}`;
}

/** Without comments, parameters and constants, and with partitions called as their tables. */
function plain(text: string): string {
  return text
    .replace(/--.*|\/\*[\s\S]*?\*\//g, ' ')
    .replace(/'(?:[^']|'')*'|\$\d+|(?<![\w.])\d+(?![\w.])|\b(?:true|false|null)\b/gi, '?')
    .replace(/\(\?(?:\s*,\s*\?)*\s*\)/g, '(?)')
    .replace(/_\d{4}q[1-4]\b/g, '_*')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}
