import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestAfterLoad } from '../../jobs/after-load.ts';
import type { JobHouse } from '../../jobs/house.ts';
import { allJobs } from '../../jobs/index.ts';
import { runInForeground } from '../../jobs/run.ts';
import { openStore } from '../../src/archive/open-store.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { calendar as calendarOf } from '../../src/core/quarter.ts';
import { createAccountCache } from '../../src/ledger/accounts.ts';
import { load } from '../../src/ledger/load.ts';
import { createPoster } from '../../src/ledger/post.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { readQuarters } from '../../src/quarters/registry.ts';
import type { Job } from '../../src/queue/job.ts';
import { useQueueBench, whileWorking } from '../queue/harness.ts';

const bench = useQueueBench({ migrated: true });

describe('all jobs', () => {
  let directory: string;
  let house: JobHouse;
  let jobs: readonly Job[];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quartermaster-jobs-'));
    const config = readConfig({
      QM_DATABASE_URL: bench.url,
      QM_STORE: pathToFileURL(directory).href,
      QM_ONLINE_QUARTERS: '2',
      QM_OLDEST_DATE: '2026-01-01',
    });
    const { database } = bench;
    const calendar = calendarOf('UTC');
    const clock = fixedClock('2026-08-01T12:00:00Z');
    const quarters = {
      ...config,
      database,
      store: openStore(config.store),
      calendar,
      clock,
      oldest: calendar.startOfDay(config.oldestDate),
      version: '0.0.0',
    };
    const poster = createPoster({ db: database.write, calendar, accounts: createAccountCache() });
    house = { database, calendar, clock, config, quarters, poster, queue: bench.open() };
    jobs = allJobs(house);
    await house.queue.install(jobs);
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('have names of their own and are installed', async () => {
    expect(jobs.map(({ name }) => name).sort()).toEqual([
      'analyze-partitions',
      'archive',
      'audit-indexes',
      'check-fixity',
      'check-ledger',
      'close',
      'create',
      'detach',
      'drop',
      'expire-reservations',
      'expire-restores',
      'freeze-quarters',
      'purge-idempotency-keys',
      'purge-sessions',
      'quarter-tick',
      'reconcile-partitions',
      'reconcile-summaries',
      'refresh-reports',
      'refresh-summaries',
      'reindex',
      'release',
      'reopen',
      'restore',
      'verify',
    ]);
    const { rows } = await sql`SELECT name, policy FROM pgboss.queue ORDER BY name`.execute(
      house.database.write,
    );
    expect(rows).toEqual([
      { name: 'analyze-partitions', policy: 'stately' },
      { name: 'audit-indexes', policy: 'stately' },
      { name: 'check-fixity', policy: 'stately' },
      { name: 'check-ledger', policy: 'stately' },
      { name: 'expire-reservations', policy: 'stately' },
      { name: 'expire-restores', policy: 'stately' },
      { name: 'freeze-quarters', policy: 'stately' },
      { name: 'purge-idempotency-keys', policy: 'stately' },
      { name: 'purge-sessions', policy: 'stately' },
      { name: 'quarter', policy: 'key_strict_fifo' },
      { name: 'quarter-tick', policy: 'stately' },
      { name: 'reconcile-partitions', policy: 'stately' },
      { name: 'reconcile-summaries', policy: 'stately' },
      { name: 'refresh-reports', policy: 'stately' },
      { name: 'refresh-summaries', policy: 'stately' },
      { name: 'reindex', policy: 'stately' },
    ]);
  });

  it('forget idempotency keys after the days that are set, and expire reservations', async () => {
    await sql`
      INSERT INTO ledger.idempotency_keys (ledger_id, key, fingerprint, transaction_id, created_at)
      SELECT 1, days::text, '\\x00', gen_random_uuid(), '2026-08-01T12:00:00Z'::timestamptz - days * interval '1 day'
      FROM generate_series(30, 40) AS days`.execute(house.database.write);
    const run = { logger: createLogger('silent'), signal: new AbortController().signal };
    expect(await runInForeground(jobs, 'purge-idempotency-keys', {}, run)).toEqual({ deleted: 5 });
    expect(await runInForeground(jobs, 'purge-sessions', {}, run)).toEqual({ deleted: 0 });
    expect(await runInForeground(jobs, 'expire-reservations', {}, run)).toEqual({
      expired: 0,
      resolvedMeanwhile: 0,
    });
  });

  it('take the quarters of a load from open to detached without being told', {
    timeout: 90_000,
  }, async () => {
    await loadPayments(house);
    const { rows: requested } = await sql`
      SELECT name FROM pgboss.job WHERE start_after > created_on ORDER BY name`.execute(house.database.write);
    expect(requested).toEqual([{ name: 'analyze-partitions' }, { name: 'refresh-summaries' }]);

    const run = { logger: createLogger('silent'), signal: new AbortController().signal };
    expect(await runInForeground(jobs, 'refresh-summaries', {}, run)).toMatchObject({ days: 6, skipped: [] });
    expect(await runInForeground(jobs, 'analyze-partitions', {}, run)).toMatchObject({ failed: [] });
    await house.queue.enqueue(house.database.write, 'quarter-tick');
    await whileWorking(house.queue, jobs, async () => {
      await expect
        .poll(
          async () => (await readQuarters(house.database.write)).map((row) => `${row.quarter} ${row.state}`),
          {
            timeout: 60_000,
          },
        )
        .toEqual(expect.arrayContaining(['2026q1 detached', '2026q2 closed', '2026q3 open', '2027q3 open']));
    });
    const { rows } = await sql<{ total: bigint }>`
      SELECT sum(transaction_count)::bigint AS total FROM ledger.daily_transaction_summary`.execute(
      house.database.write,
    );
    expect(rows).toEqual([{ total: 60n }]);
    const { rows: zones } = await sql`
      SELECT name, cron, timezone FROM pgboss.schedule ORDER BY name`.execute(house.database.write);
    expect(zones).toEqual([
      { name: 'analyze-partitions', cron: '30 * * * *', timezone: 'Europe/Paris' },
      { name: 'audit-indexes', cron: '10 3 * * 0', timezone: 'Europe/Paris' },
      { name: 'check-fixity', cron: '20 4 * * *', timezone: 'Europe/Paris' },
      { name: 'check-ledger', cron: '50 4 * * *', timezone: 'Europe/Paris' },
      { name: 'expire-reservations', cron: '* * * * *', timezone: 'Europe/Paris' },
      { name: 'expire-restores', cron: '20 * * * *', timezone: 'Europe/Paris' },
      { name: 'freeze-quarters', cron: '40 2 * * *', timezone: 'Europe/Paris' },
      { name: 'purge-idempotency-keys', cron: '40 3 * * *', timezone: 'Europe/Paris' },
      { name: 'purge-sessions', cron: '45 3 * * *', timezone: 'Europe/Paris' },
      { name: 'quarter-tick', cron: '0 2 * * *', timezone: 'Europe/Paris' },
      { name: 'reconcile-partitions', cron: '0 * * * *', timezone: 'Europe/Paris' },
      { name: 'reconcile-summaries', cron: '50 3 * * *', timezone: 'Europe/Paris' },
      { name: 'refresh-reports', cron: '15 */6 * * *', timezone: 'Europe/Paris' },
      { name: 'refresh-summaries', cron: '* * * * *', timezone: 'Europe/Paris' },
      { name: 'reindex', cron: '30 3 * * 0', timezone: 'Europe/Paris' },
    ]);
  });
});

/** Ten payments on the tenth of each month from January to June. */
async function loadPayments(house: JobHouse): Promise<void> {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    created_at: `2026-0${1 + Math.floor(i / 10)}-10T12:00:0${i % 10}Z`,
    debit_account: 'bank:BANK',
    credit_account: `user-${i % 7}:WALLET`,
    amount: String(100 + i),
    currency: 'EUR',
  }));
  await load(
    {
      ...house,
      accounts: createAccountCache(),
      oldest: house.quarters.oldest,
      ensureQuarters: async (from, to) => {
        await ensureQuarters(house.quarters, { actor: 'load' }, from, to);
      },
      finish: (trx) => requestAfterLoad(house.queue, trx),
    },
    {
      ledger: 'test',
      createLedger: true,
      source: {
        stream: Readable.from([rows.map((row) => `${JSON.stringify(row)}\n`).join('')], {
          objectMode: false,
        }),
      },
      id: 'payments',
      format: 'ndjson',
      amounts: 'minor',
      createAccounts: { allowNegative: ['BANK'] },
    },
  );
}
