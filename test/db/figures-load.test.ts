import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Figures, readFigures } from '../../src/db/figures.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { maintenanceQueue } from '../../src/queue/job.ts';
import { createQueue } from '../../src/queue/queue.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

function read(book: Book): Promise<Figures> {
  return book.database.withClient((client) => readFigures(client, { zone: 'UTC', db: book.db }));
}

/** The figures and, by EXPLAIN, what the one statement that reads them did. */
async function examine(book: Book): Promise<{ figures: Figures; pages: number; scans: string[] }> {
  return book.database.withClient(async (client) => {
    const plans: Node[] = [];
    const spy = Object.create(client, {
      query: {
        value: async (text: string, values?: unknown[]) => {
          if (text.includes('AS "partitions"')) {
            const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
            plans.push(rows[0]['QUERY PLAN'][0].Plan);
          }
          return client.query(text, values);
        },
      },
    });
    const figures = await readFigures(spy, { zone: 'UTC', db: book.db });
    const [root] = plans;
    if (root === undefined || plans.length > 1) throw new Error(`${plans.length} statements read figures`);
    const scans = flatten(root)
      .filter((node) => node['Relation Name'] !== undefined && !node['Relation Name'].startsWith('pg_'))
      .map((node) => `${node['Relation Name']} by ${node['Node Type']}`);
    return { figures, pages: root['Shared Hit Blocks'] + root['Shared Read Blocks'], scans };
  });
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Node[];
}

function flatten(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

describe('the jobs that are not over', () => {
  let book: Book;
  beforeAll(async () => {
    book = await openBook({ poolMax: 2 });
    const queue = createQueue({ db: book.db, url: book.url, zone: 'UTC', logger: createLogger('silent') });
    const handle = async () => ({});
    const names = ['behind', 'deferred', 'idle', 'single'];
    await queue.install([
      { name: 'close', queue: { ...maintenanceQueue('line'), policy: 'key_strict_fifo' }, handle },
      ...names.map((name) => ({ name, queue: maintenanceQueue(name), handle })),
    ]);
  });
  afterAll(() => book?.close());

  /** A job as the queue has it; `since` in minutes ago. */
  async function job(name: string, state: string, since: number, key: string | null = null, blocked = false) {
    await sql`
      INSERT INTO pgboss.job (name, data, state, policy, singleton_key, created_on, start_after, blocked)
      SELECT name, '{}', ${state}::pgboss.job_state, policy, ${key}, now() - interval '1 day',
             now() - ${since} * interval '1 minute', ${blocked}
      FROM pgboss.queue WHERE name = ${name}`.execute(book.db);
  }

  it('are counted, and of those that wait only what a worker could take counts as ready', async () => {
    // Behind a failed step, behind a running one, behind one that is tried again; and the first of its line.
    for (const [key, state] of Object.entries({ a: 'failed', b: 'active', c: 'retry' })) {
      await job('line', state, state === 'retry' ? 5 : 90, key);
      await job('line', 'created', 80, key);
    }
    await job('line', 'created', 3, 'd');
    await job('line', 'completed', 200, 'e');
    // The next run of what runs has to wait for it, however many workers there are.
    await job('single', 'active', 90);
    await job('single', 'created', 80);
    await job('deferred', 'created', -10);
    await job('behind', 'created', 80, null, true);

    const { queues } = await read(book);
    const byQueue = new Map(queues.map(({ queue, ...rest }) => [queue, rest]));
    const none = { waiting: 0, running: 0, failed: 0, blockedLines: 0, readySeconds: 0 };
    expect(byQueue.get('idle')).toEqual(none);
    expect(byQueue.get('deferred')).toEqual({ ...none, waiting: 1 });
    expect(byQueue.get('behind')).toEqual({ ...none, waiting: 1 });
    expect(byQueue.get('single')).toEqual({ ...none, waiting: 1, running: 1 });
    const line = byQueue.get('line');
    expect(line).toMatchObject({ waiting: 5, running: 1, failed: 1, blockedLines: 1 });
    expect(line?.readySeconds).toBeGreaterThanOrEqual(300);
    expect(Math.floor((line?.readySeconds ?? 0) / 3600)).toBe(0);
  });
});

describe('with two hundred quarters, ten thousand jobs and a hundred thousand marks', () => {
  const QUARTERS = 200;
  const JOBS = 10_000;
  let book: Book;
  beforeAll(async () => {
    book = await openBook({ poolMax: 4 });
    await book.ensureQuarters(new Date('1975-01-01T00:00:00Z'), new Date('2024-12-31T00:00:00Z'));
    const queue = createQueue({ db: book.db, url: book.url, zone: 'UTC', logger: createLogger('silent') });
    await queue.install([{ name: 'heap', queue: maintenanceQueue('heap'), handle: async () => ({}) }]);
    await sql`
      DO $$
      DECLARE one record;
      BEGIN
        FOR one IN SELECT quarter FROM quartermaster.quarters WHERE quarter < '2024q1' LOOP
          EXECUTE format('ALTER TABLE ledger.%I ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID', 'transactions_' || one.quarter);
          EXECUTE format('ALTER TABLE ledger.%I ADD CONSTRAINT quarter_closed CHECK (false) NOT VALID', 'entries_' || one.quarter);
        END LOOP;
      END $$`.execute(book.db);
    await sql`UPDATE quartermaster.quarters SET state = 'archived' WHERE quarter < '2024q1'`.execute(book.db);
    await sql`
      INSERT INTO quartermaster.quarter_events (quarter, event, actor)
      SELECT quarter, 'verify', 'test' FROM quartermaster.quarters CROSS JOIN generate_series(1, 40)`.execute(
      book.db,
    );
    await sql`
      INSERT INTO quartermaster.archives
        (quarter, location, format_version, manifest_sha256, digest, rows, bytes, written_at, verified_at)
      -- Only those of the last months were never read again since they were written.
      SELECT quarter, '', 1, '', '', 40, 4000, now(), CASE WHEN quarter < '2023q1' THEN now() END FROM quartermaster.quarters WHERE state = 'archived'`.execute(
      book.db,
    );
    await sql`
      INSERT INTO quartermaster.archive_files (quarter, path, table_name, rows, bytes, sha256)
      SELECT quarter, 'part-' || n, 'entries', 1, 100, repeat('0', 64)
      FROM quartermaster.archives CROSS JOIN generate_series(1, 40) AS n`.execute(book.db);
    // Of a day's finished runs there are far more than of what waits.
    await sql`
      INSERT INTO pgboss.job_common (name, data, state, policy, singleton_key, created_on, completed_on)
      SELECT 'heap', '{}', CASE WHEN n <= ${JOBS} THEN 'created' ELSE 'completed' END::pgboss.job_state, 'standard', n::text,
             now() - interval '1 hour', CASE WHEN n > ${JOBS} THEN now() END
      FROM generate_series(1, ${4 * JOBS}) AS n`.execute(book.db);
    await sql`
      INSERT INTO quartermaster.summary_marks (ledger_id, day)
      SELECT 1 + n % 7, '2024-10-01'::date + n % 90 FROM generate_series(1, 100000) AS n`.execute(book.db);
    await book.database.withClient((client) => client.query('ANALYZE'));
  }, 240_000);
  afterAll(() => book?.close());

  it('one statement reads the catalog and the small tables of the state, and no row of the ledger', async () => {
    await read(book);
    const { figures, pages, scans } = await examine(book);
    expect(figures.partitions).toHaveLength(2 * QUARTERS);
    expect(figures.partitions.filter(({ fenced }) => fenced)).toHaveLength(2 * (QUARTERS - 4));
    expect(figures.quarters).toHaveLength(QUARTERS);
    expect(figures.queues).toMatchObject([{ queue: 'heap', waiting: JOBS, running: 0, failed: 0 }]);
    expect(figures.archives).toMatchObject({ count: QUARTERS - 4, rows: { entries: 40 * (QUARTERS - 4) } });
    expect(figures.summaries.days).toBe(630);
    expect([...new Set(scans.map((scan) => scan.split(' by ')[0]))].sort()).toEqual([
      'approvals',
      'archive_files',
      'archives',
      'job_common',
      'job_outcomes',
      'measurements',
      'quarter_events',
      'quarters',
      'queue',
      'summary_marks',
    ]);
    // What is finished is passed over by an index, and a quarter's events are found by theirs.
    expect(scans).not.toContain('job_common by Seq Scan');
    expect(scans).not.toContain('quarter_events by Seq Scan');
    // A few pages of the catalog for each partition, as many for each event of a quarter, and what jobs, marks and files take.
    expect(pages).toBeLessThan((2 * 10 + 40) * QUARTERS + 4000);
  });
});
