import { PassThrough } from 'node:stream';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_USAGE, exitCodes } from '../../src/cli/exit-codes.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { identifier } from '../../src/db/identifier.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { grantReports } from '../../src/summaries/reports.ts';
import { randomPayments } from '../summaries/books.ts';
import { useReportBooks } from './fixture.ts';

const zone = 'Europe/Paris';
const books = useReportBooks(zone);
let admin: Database;
let reader: Database;
let role: string;

beforeAll(async () => {
  await books.openQuarters(['2025q1', '2025q2']);
  await books.book(randomPayments(50, new Date('2025-01-05T00:00Z'), new Date('2025-02-20T00:00Z'), 1));
  await books.refresh();
  // Not summed up: the views count their rows for whoever asks.
  await books.book(randomPayments(50, new Date('2025-02-20T00:00Z'), new Date('2025-03-20T00:00Z'), 2));
  admin = openDatabase({ databaseUrl: books.adminUrl, poolMax: 1 });
  const url = new URL(books.url);
  role = `Finance "BI"; -- ${url.pathname.slice(-8)}`;
  await sql.raw(`CREATE ROLE ${identifier(role)} LOGIN PASSWORD 'secret'`).execute(admin.write);
  url.username = encodeURIComponent(role);
  url.password = 'secret';
  reader = openDatabase({ databaseUrl: url.href, poolMax: 1 });
});

afterAll(async () => {
  await reader?.close();
  await sql.raw(`DROP OWNED BY ${identifier(role)}`).execute(admin.write);
  await sql.raw(`DROP ROLE ${identifier(role)}`).execute(admin.write);
  await admin?.close();
});

async function reports(...args: string[]) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const env = { QM_DATABASE_URL: books.url, QM_TIMEZONE: zone };
  const entry = createEntry({
    version: '1.2.3',
    clock: fixedClock('2025-06-01T12:00:00Z'),
    signal: new AbortController().signal,
  });
  const kit = { entry: { ...entry, readConfig: () => readConfig(env) }, out, err };
  const code = await runCommandLine(kit, ['reports', ...args]);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

/** The views that the role can read, and the SQLSTATEs of those that it cannot. */
async function readable(): Promise<{ views: string[]; refused: string[] }> {
  const { rows } = await sql<{ name: string }>`
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'reports'::regnamespace AND relkind IN ('v', 'm') ORDER BY relname`.execute(
    books.database.direct,
  );
  const found = { views: [] as string[], refused: [] as string[] };
  for (const { name } of rows) {
    try {
      await sql`SELECT * FROM ${sql.id('reports', name)}`.execute(reader.direct);
      found.views.push(name);
    } catch (error) {
      found.refused.push((error as { code: string }).code);
    }
  }
  return found;
}

const refused = async (statement: string) =>
  expect(sql.raw(statement).execute(reader.direct), statement).rejects.toMatchObject({ code: '42501' });

describe('quartermaster reports', () => {
  it('lists the views with what they show and how old that is', async () => {
    const { code, out, err } = await reports('list', '--json');
    expect(code, err).toBe(0);
    const { views, readers, daysOutstanding } = JSON.parse(out);
    expect(views).toHaveLength(19);
    expect(views).toContainEqual({
      name: 'reports.monthly_by_user',
      description: 'Transactions of each month, by user, currency and status',
      exact: true,
      refreshedAt: null,
      age: null,
    });
    const [stored] = views.filter((view: { exact: boolean }) => !view.exact);
    expect(stored).toMatchObject({ name: 'reports.top_counterparties_quarterly', age: expect.any(Number) });
    expect(readers).toEqual([]);
    expect(Number(daysOutstanding)).toBeGreaterThan(10);
    const text = (await reports('list')).out;
    expect(text).toMatch(/^reports\.daily +now +Transactions of each day/m);
    expect(text).toMatch(/^reports\.top_counterparties_quarterly +\d+ \w+ ago/m);
    expect(text).toMatch(/No role was given access/);
  });

  it('lets a role read every view, and nothing but views', async () => {
    expect((await readable()).views).toEqual([]);
    for (const time of ['first', 'second']) {
      const { code, out, err } = await reports('grant', role);
      expect(code, `${time} ${err}`).toBe(0);
      expect(out).toContain(`${role} may read 19 views`);
      expect(err).toBe('');
    }
    const { views, refused: failures } = await readable();
    expect(failures).toEqual([]);
    expect(views).toHaveLength(19);
    // It is the owner that reads the rows of days that are not summed up.
    const { rows } = await sql<{ n: string; balance: string }>`
      SELECT sum(transaction_count) AS n, min(reports.closing_balance(1, 1, '2025-12-31'))::text AS balance
      FROM reports.daily`.execute(reader.direct);
    expect(rows).toEqual([{ n: '100', balance: expect.any(String) }]);
    const { rows: all } = await sql<{ n: number; same: boolean }>`
      SELECT count(*)::integer AS n, bool_and(b.balance = reports.closing_balance(1, b.account_id, '2025-12-31')) AS same
      FROM reports.closing_balances(1, '2025-12-31') AS b`.execute(reader.direct);
    expect(all).toEqual([{ n: 8, same: true }]);
    await refused('SELECT count(*) FROM ledger.transactions');
    await refused('SELECT count(*) FROM ledger.daily_totals');
    await refused('SELECT count(*) FROM quartermaster.settings');
    await refused('SELECT count(*) FROM quartermaster.live_days');
    await expect(sql`DELETE FROM reports.quarters`.execute(reader.direct)).rejects.toThrow(
      'cannot delete from view',
    );
    await refused('DELETE FROM reports.top_counterparties_quarterly');
    await refused('CREATE VIEW reports.mine AS SELECT 1 AS n');
    await refused('REFRESH MATERIALIZED VIEW reports.top_counterparties_quarterly');
    expect(JSON.parse((await reports('list', '--json')).out).readers).toEqual([role]);
    expect((await reports('list')).out).toContain(`Given to: ${role}.`);
  });

  it('lets it read the views that later versions bring', async () => {
    await sql`CREATE VIEW reports.later AS SELECT 1 AS n`.execute(books.database.direct);
    await sql`CREATE FUNCTION reports.later() RETURNS integer LANGUAGE sql SECURITY DEFINER RETURN 1`.execute(
      books.database.direct,
    );
    await sql`REVOKE EXECUTE ON FUNCTION reports.later() FROM PUBLIC`.execute(books.database.direct);
    expect(
      (await sql`SELECT n, reports.later() AS m FROM reports.later`.execute(reader.direct)).rows,
    ).toEqual([{ n: 1, m: 1 }]);
  });

  it('takes it back, all of it', async () => {
    for (const time of ['first', 'second']) {
      const { code, out, err } = await reports('revoke', role);
      expect(code, `${time} ${err}`).toBe(0);
      expect(out).toContain('cannot read the views any more');
    }
    expect((await readable()).views).toEqual([]);
    await sql`CREATE VIEW reports.latest AS SELECT 1 AS n`.execute(books.database.direct);
    const { rows } =
      await sql`SELECT has_table_privilege(${role}, 'reports.latest', 'SELECT') AS may`.execute(
        books.database.direct,
      );
    expect(rows).toEqual([{ may: false }]);
    await sql`DROP VIEW reports.later, reports.latest`.execute(books.database.direct);
    await sql`DROP FUNCTION reports.later()`.execute(books.database.direct);
    await refused('SELECT reports.closing_balance(1, 1, current_date)');
    await refused('SELECT account_id FROM reports.closing_balances(1, current_date)');
    // They read with the rights of their owner, so nobody has them by default, and each looks for names where it says.
    const { rows: loose } = await sql`
      SELECT proname FROM pg_proc
      WHERE pronamespace = 'reports'::regnamespace
        AND (NOT prosecdef OR proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}'::text[])`.execute(
      books.database.direct,
    );
    expect(loose).toEqual([]);
    const { rows: open } = await sql`
      SELECT proname FROM pg_proc WHERE pronamespace = 'reports'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')`.execute(
      books.database.direct,
    );
    expect(open).toEqual([]);
  });

  it('says so when the role can read the views all the same, or cannot connect', async () => {
    const { pathname } = new URL(books.url);
    const database = identifier(pathname.slice(1));
    await sql.raw(`REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC`).execute(admin.write);
    await sql.raw(`GRANT pg_read_all_data TO ${identifier(role)}`).execute(admin.write);
    try {
      expect((await reports('grant', role)).err).toContain('cannot connect to this database yet');
      expect((await reports('revoke', role)).out).toContain('can still read the views');
    } finally {
      await sql.raw(`REVOKE pg_read_all_data FROM ${identifier(role)}`).execute(admin.write);
      await sql.raw(`GRANT CONNECT ON DATABASE ${database} TO PUBLIC`).execute(admin.write);
    }
  });

  it('refuses a role that is not there, and its own', async () => {
    for (const name of ['nobody', 'public', role.toLowerCase(), '']) {
      const { code, err } = await reports('grant', name);
      expect(code, name).toBe(exitCodes.not_found);
      expect(err).toContain('[no_such_role]');
    }
    expect((await reports('revoke', 'nobody')).err).toContain('[no_such_role]');
    expect((await reports('revoke', 'quartermaster')).err).toContain('[role_owns_reports]');
    expect((await reports('grant')).code).toBe(EXIT_USAGE);
  });

  it('refuses who may not grant', async () => {
    await reports('grant', role);
    const other = `other_${role.slice(-8)}`;
    await sql.raw(`CREATE ROLE ${identifier(other)}`).execute(admin.write);
    try {
      // PostgreSQL itself only warns, for the one who asks has some right there.
      await expect(grantReports(reader.direct, other)).rejects.toMatchObject({
        kind: 'config',
        code: 'insufficient_privilege',
      });
    } finally {
      await sql.raw(`DROP ROLE ${identifier(other)}`).execute(admin.write);
      await reports('revoke', role);
    }
  });

  it('is given to several at once', async () => {
    const runs = Array.from({ length: 4 }, () => grantReports(books.database.direct, role));
    for (const report of await Promise.all(runs)) expect(report.canRead).toBe(true);
  });
});
