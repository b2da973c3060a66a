import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { inject } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { identifier } from '../../src/db/identifier.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';

/** What a command line said. `report` is its document, or of a failure what it said of that. */
export interface Said {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: a report is what the command makes of it
  readonly report: any;
  readonly err: string;
}

export interface TownOptions {
  readonly zone?: string;
  readonly premake?: number;
  /** The name of the role that owns the database and runs everything; any name at all. */
  readonly role?: string;
  readonly env?: Record<string, string>;
}

/** A database and a store of a test's own, known by the command line and by SQL alone. */
export interface Town {
  readonly url: string;
  readonly env: Record<string, string>;
  /** Runs a command with `--json`, at a moment of its own. */
  run(args: string, now: string, env?: Record<string, string>): Promise<Said>;
  /** The same, and it has to succeed. */
  ok(args: string, now: string, env?: Record<string, string>): Promise<Said['report']>;
  /** Loads payments of one cent at these moments, and brings the summaries up to date. */
  pay(at: readonly string[], now: string): Promise<void>;
  /** What policy allows at that moment is done, step by step, until nothing is left to do. */
  live(now: string, env?: Record<string, string>): Promise<string[]>;
  /** SQL by a superuser; the last statement's rows. */
  // biome-ignore lint/suspicious/noExplicitAny: rows of any statement
  sql(text: string): Promise<any[]>;
  /** Each quarter with its state and how its tables stand, as `2024q1 open: attached attached`. */
  standing(): Promise<string[]>;
  drop(): Promise<void>;
}

/** Makes a role, a database of its own and a store, and migrates it: by the command line, as anybody would. */
export async function openTown(options: TownOptions = {}): Promise<Town> {
  const { adminUrl } = inject('postgres');
  const mark = randomBytes(5).toString('hex');
  const role = options.role === undefined ? `town_${mark}` : `${options.role} ${mark}`;
  const [name, password] = [`qm_town_${mark}`, randomBytes(12).toString('hex')];
  const store = await mkdtemp(join(tmpdir(), 'quartermaster-town-'));
  await asAdmin(adminUrl, async (admin) => {
    await admin.query(`CREATE ROLE ${identifier(role)} LOGIN PASSWORD '${password}'`);
    await admin.query(`CREATE DATABASE ${identifier(name)} OWNER ${identifier(role)} TEMPLATE template0`);
  });
  const inTown = new URL(adminUrl);
  inTown.pathname = `/${name}`;
  const url = new URL(inTown);
  url.username = encodeURIComponent(role);
  url.password = password;
  const env = {
    QM_DATABASE_URL: url.href,
    QM_STORE: pathToFileURL(store).href,
    QM_TIMEZONE: options.zone ?? 'UTC',
    QM_PREMAKE_QUARTERS: String(options.premake ?? 1),
    QM_WORKER_PORT: '0',
    ...options.env,
  };

  const entryAt = (now: string, more: Record<string, string> = {}) => ({
    ...createEntry({ version: '1.2.3', clock: fixedClock(now), signal: new AbortController().signal }),
    readConfig: () => readConfig({ ...env, ...more }),
    createLogger: () => createLogger('silent'),
  });
  const run: Town['run'] = async (args, now, more) => {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const words = (args.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"|"$/g, ''));
    const code = await runCommandLine({ entry: entryAt(now, more), out, err }, [...words, '--json']);
    const [text, complaint] = [String(out.read() ?? ''), String(err.read() ?? '')];
    const failure = complaint.split('\n').find((line) => line.startsWith('{"error"'));
    const document = text.trim() === '' ? failure : text;
    return { code, report: document === undefined ? undefined : JSON.parse(document), err: complaint };
  };
  const ok: Town['ok'] = async (args, now, more) => {
    const said = await run(args, now, more);
    if (said.code !== 0) throw new Error(`${args}: ${said.code} ${said.err} ${JSON.stringify(said.report)}`);
    return said.report;
  };
  let loads = 0;
  const town: Town = {
    url: url.href,
    env,
    run,
    ok,
    pay: async (at, now) => {
      const file = join(store, `payments-${++loads}.csv`);
      const rows = [...at].sort().map((instant) => `${instant},bank:BANK,ann:WALLET,0.01,EUR`);
      await writeFile(
        file,
        `${['created_at,debit_account,credit_account,amount,currency', ...rows].join('\n')}\n`,
      );
      await ok(`load ${file} --ledger main --create-ledger --create-accounts --allow-negative BANK`, now);
      await ok('run refresh-summaries', now);
    },
    live: async (now, more) => {
      const done: string[] = [];
      for (;;) {
        const entry = entryAt(now, more);
        const house = await entry.openHouse(entry.readConfig(), entry.createLogger());
        const due = await house.dueVerbs().finally(() => house.close());
        if (due.length === 0) return done;
        for (const { verb, quarter } of due) {
          const reason = verb === 'drop' ? ' --yes --reason "by schedule"' : '';
          await ok(`quarters ${verb} ${quarter}${reason}`, now, more);
          done.push(`${verb} ${quarter}`);
        }
      }
    },
    sql: async (text) =>
      asAdmin(inTown.href, async (admin) => {
        const result = (await admin.query(text)) as pg.QueryResult | pg.QueryResult[];
        return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
      }),
    standing: async () => {
      const rows = await town.sql(`
        SELECT q.quarter || ' ' || q.state || ': ' || string_agg(
                 CASE WHEN c.oid IS NULL THEN 'missing' WHEN i.inhrelid IS NULL THEN 'standalone'
                      WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END, ' ' ORDER BY t.name DESC) AS line
        FROM quartermaster.quarters AS q
        CROSS JOIN (VALUES ('transactions'), ('entries')) AS t (name)
        LEFT JOIN pg_class AS c ON c.relnamespace = 'ledger'::regnamespace AND c.relname = t.name || '_' || q.quarter
        LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
        GROUP BY q.quarter, q.state ORDER BY q.quarter`);
      return rows.map(({ line }) => line);
    },
    drop: async () => {
      await asAdmin(adminUrl, async (admin) => {
        await admin.query(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`);
        await admin.query(`DROP ROLE ${identifier(role)}`);
      });
      await rm(store, { recursive: true, force: true });
    },
  };
  try {
    await ok('migrate up', '2024-01-01T00:00:00Z');
    return town;
  } catch (error) {
    await town.drop();
    throw error;
  }
}

async function asAdmin<T>(url: string, action: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  try {
    return await action(admin);
  } finally {
    await admin.end();
  }
}
