import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { databaseMetrics } from '../../src/platform/database-metrics.ts';
import { openHouse } from '../jobs/desk-fixture.ts';
import { useQueueBench } from '../queue/harness.ts';
import { freePort } from '../support/free-port.ts';
import { figureOf, seriesOf } from './figures-support.ts';

const bench = useQueueBench({ migrated: true });

it('a worker has the figures on its page, and what its jobs come to', { timeout: 90_000 }, async () => {
  await openHouse(bench, {}, systemClock);
  const port = await freePort();
  const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QM_')));
  const cli = join(import.meta.dirname, '..', '..', 'src', 'main', 'cli.ts');
  const child = spawn(process.execPath, [cli, 'worker'], {
    env: {
      ...plain,
      QM_DATABASE_URL: bench.url,
      QM_WORKER_PORT: String(port),
      QM_HOST: '127.0.0.1',
      QM_STORE: pathToFileURL(join(tmpdir(), 'quartermaster-no-archives')).href,
      QM_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const page = () =>
    fetch(`http://127.0.0.1:${port}/metrics`).then(
      (response) => response.text(),
      () => '',
    );
  const figure = async (series: string) => figureOf(await page(), series);

  // Its first job makes the quarters, and a reading later they are on the page.
  await expect
    .poll(() => figure('horizon_seconds'), { timeout: 60_000, interval: 500 })
    .toBeGreaterThan(180 * 86_400);
  const last = 'schedule_last_success_timestamp_seconds{job_name="reconcile-partitions"}';
  await expect.poll(() => figure(last), { timeout: 60_000, interval: 500 }).toBeGreaterThan(1_700_000_000);
  const text = await page();
  expect(figureOf(text, 'database_figures_age_seconds')).toBeLessThan(60);
  expect(figureOf(text, 'database_figures_failures_total')).toBe(0);
  // There since it was first known of, though it comes only on Sundays.
  expect(figureOf(text, 'schedule_last_success_timestamp_seconds{job_name="reindex"}')).toBeGreaterThan(0);
  const { rows } = await sql<{ names: number }>`
    SELECT count(*)::integer AS names FROM quartermaster.job_outcomes WHERE job_name = 'reconcile-partitions'`.execute(
    bench.database.write,
  );
  expect(rows).toEqual([{ names: 1 }]);
  const { rows: connections } = await sql<{ n: number }>`
    SELECT count(*)::integer AS n FROM pg_stat_activity
    WHERE application_name = 'quartermaster figures' AND datname = current_database()`.execute(
    bench.database.write,
  );
  expect(connections).toEqual([{ n: 1 }]);

  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(
    Object.keys(databaseMetrics).filter((name) => seriesOf(text, name).length > 0).length,
  ).toBeGreaterThan(20);
});
