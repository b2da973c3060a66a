import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { calendar } from '../../src/core/quarter.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createDatabaseFigures } from '../../src/main/figures-source.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { query } from '../support/embedded.ts';
import { migrateUp } from '../support/migrate.ts';
import { startServer } from '../support/server.ts';
import { figureOf } from './figures-support.ts';

it('a server that stops answering leaves the page at once, with what was known and how old that is', {
  timeout: 90_000,
}, async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  await migrateUp({ url: server.url, zone: 'UTC' });
  const metrics = createMetrics();
  const figures = createDatabaseFigures(
    {
      metrics,
      logger: createLogger('silent'),
      clock: systemClock,
      calendar: calendar('UTC'),
      config: readConfig({ QM_DATABASE_URL: server.url }),
      jobs: [{ name: 'often', schedule: '*/5 * * * *' }],
    },
    { everyMs: 50, giveUpMs: 400 },
  );
  onTestFinished(() => figures.stop());
  await figures.start();
  const page = () => metrics.page.render();
  const figure = async (name: string) => figureOf(await page(), name);
  const mark = async (day: string) => {
    const database = openDatabase({ databaseUrl: server.url, poolMax: 1 });
    await sql`INSERT INTO quartermaster.summary_marks (ledger_id, day) VALUES (1, ${day})`.execute(
      database.write,
    );
    await database.close();
  };
  await mark('2026-05-05');
  await expect.poll(() => figure('summaries_marked')).toBe(1);
  // Seen for the first time by the first reading, so the second has it; and only a job that never ended well needs it.
  await expect
    .poll(() => figure('schedule_last_success_timestamp_seconds{job_name="often"}'))
    .toBeGreaterThan(1_700_000_000);

  const backends = (await query(
    server.adminUrl,
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'quartermaster figures'`,
  )) as { pid: number }[];
  expect(backends).toHaveLength(1);
  const stopped = [server.pid, ...backends.map(({ pid }) => pid)];
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  const restart = () => {
    for (const pid of stopped.splice(0)) process.kill(pid, 'SIGCONT');
  };
  onTestFinished(restart);

  // The first to be given up had the connection; those after it were not even let in.
  await expect.poll(() => figure('database_figures_failures_total'), { timeout: 30_000 }).toBeGreaterThan(2);
  const pages = await Promise.all(Array.from({ length: 200 }, page));
  expect(new Set(pages.map((text) => figureOf(text, 'summaries_marked')))).toEqual(new Set([1]));
  const age = figureOf(pages[0] ?? '', 'database_figures_age_seconds');
  expect(age).toBeGreaterThan(0.8);

  restart();
  await mark('2026-05-06');
  await expect.poll(() => figure('summaries_marked'), { timeout: 30_000 }).toBe(2);
  expect(await figure('database_figures_age_seconds')).toBeLessThan(age);
});
