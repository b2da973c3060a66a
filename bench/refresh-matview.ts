import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { withClient } from './database.ts';
import { createPairs, createRandom } from './distributions.ts';
import { busyUser } from './outcome/mix.ts';
import { checkpoint, environmentOf, type Spent, type Stage, startMeter } from './outcome/stage.ts';
import type { Line } from './outcome/table.ts';
import { runCommand } from './server-process.ts';

export const REFRESH = { figure: 'refresh/matview', goal: 100 } as const;

/** One row in a hundred is new, and one of ten new ones is late: of a day that lies back, in books opened for it. */
const NEW_PART = 0.01;
const LATE_PART = 0.1;
const LATE_DAYS = 5;
const LATE_ACCOUNTS = 1000;

const DAY = "(created_at AT TIME ZONE 'UTC')::date";

/** The summaries as materialized views, the way one writes them: each with the unique index that CONCURRENTLY wants. */
const views = [
  {
    name: 'daily_transaction_summary',
    key: 'ledger_id, day, user_id, currency, status',
    columns: 'ledger_id, day, user_id, currency, status, transaction_count, total_amount',
    query: `SELECT ledger_id, ${DAY} AS day, user_id, currency, status,
              count(*) AS transaction_count, sum(amount)::bigint AS total_amount
            FROM ledger.transactions GROUP BY 1, 2, 3, 4, 5`,
  },
  {
    // From the one above, which is much less than from the rows.
    name: 'daily_totals',
    key: 'ledger_id, day, currency, status',
    columns: 'ledger_id, day, currency, status, transaction_count, total_amount',
    query: `SELECT ledger_id, day, currency, status,
              sum(transaction_count)::bigint AS transaction_count, sum(total_amount) AS total_amount
            FROM matview.daily_transaction_summary GROUP BY 1, 2, 3, 4`,
  },
  {
    name: 'daily_group_totals',
    key: 'ledger_id, day, group_type, currency',
    columns: 'ledger_id, day, group_type, currency, entry_count, debits, credits',
    query: `SELECT e.ledger_id, (e.created_at AT TIME ZONE 'UTC')::date AS day, a.group_type, a.currency,
              count(*) AS entry_count, coalesce(sum(-e.amount) FILTER (WHERE e.amount < 0), 0) AS debits,
              coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) AS credits
            FROM ledger.entries AS e
            JOIN ledger.accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id GROUP BY 1, 2, 3, 4`,
  },
  {
    name: 'daily_balances',
    key: 'ledger_id, account_id, snapshot_date',
    columns: 'ledger_id, account_id, snapshot_date, closing_balance',
    query: `SELECT DISTINCT ON (ledger_id, account_id, ${DAY})
              ledger_id, account_id, ${DAY} AS snapshot_date, balance_after AS closing_balance
            FROM ledger.entries ORDER BY ledger_id, account_id, ${DAY}, version DESC`,
  },
] as const;

/**
 * After so many new rows: what our refresh takes of PostgreSQL, against REFRESH MATERIALIZED VIEW CONCURRENTLY of the same
 * content. Both are then compared, row by row.
 *
 * @throws Error where they are not the same
 */
export async function measureRefresh(stage: Stage): Promise<Line> {
  const { bench, data } = stage;
  bench.say('The summaries as materialized views');
  await withClient(data.url, async (client) => {
    await client.query('CREATE SCHEMA matview');
    for (const { name, key, query } of views) {
      await client.query(`CREATE MATERIALIZED VIEW matview.${name} AS ${query}`);
      await client.query(`CREATE UNIQUE INDEX ON matview.${name} (${key})`);
    }
    await client.query('VACUUM ANALYZE');
  });
  const rows = Math.max(LATE_DAYS, Math.round(NEW_PART * data.rows));
  bench.say(`  ${rows} new rows, a tenth of them of ${LATE_DAYS} days that lie back`);
  const environment = environmentOf(stage, 'worker');
  const file = await writeNewRows(stage, rows);
  const how = [
    '--ledger',
    stage.ledger,
    '--amounts',
    'minor',
    '--create-accounts',
    '--allow-negative',
    'WALLET',
  ];
  await runCommand(bench, ['load', file, ...how], environment);

  const refresh = () => runCommand(bench, ['run', 'refresh-summaries', '--json'], environment);
  const ours = await measured(stage, refresh);
  bench.say(`  ours     ${told(ours)}`);
  // What the command takes when there is nothing to do is Node and its connection, and no refresh.
  const idle = await measured(stage, refresh);
  bench.say(`  at rest  ${told(idle)}: the command alone`);
  const other = await measured(stage, () =>
    withClient(data.url, async (client) => {
      for (const { name } of views)
        await client.query(`REFRESH MATERIALIZED VIEW CONCURRENTLY matview.${name}`);
    }),
  );
  bench.say(`  matview  ${told(other)}`);
  const alone = ours.seconds - idle.seconds;
  const times =
    alone > 0.1 ? `${(other.seconds / alone).toFixed(0)} times as fast` : 'too fast to tell from that';
  bench.say(`  On the clock, without the start of the command, ours is ${times}.`);
  await requireSameContent(stage);
  const figure = bench.print({ ...REFRESH, unit: 's', rows: data.rows }, [ours.cpu], [other.cpu]);
  return { what: 'processor time of a refresh after 1 % new rows, s', figure };
}

/** Ours is told whole, its connections included; what it left to be written is written within. */
async function measured(stage: Stage, action: () => Promise<unknown>): Promise<Spent & { seconds: number }> {
  await checkpoint(stage);
  const spent = startMeter(stage);
  const start = performance.now();
  await action();
  const seconds = (performance.now() - start) / 1000;
  await checkpoint(stage);
  return { ...spent(), seconds };
}

function told({ cpu, bytes, seconds }: Spent & { seconds: number }): string {
  return `${cpu.toFixed(2)} s of PostgreSQL's processor time, ${(bytes / 2 ** 20).toFixed(0)} MiB read, ${seconds.toFixed(2)} s`;
}

/**
 * A load, oldest row first: late ones between accounts of their own, for nothing is booked before an account's last entry, then
 * those of now between all accounts. Returns the file when the last of them is in the past.
 */
async function writeNewRows({ data, mix, store }: Stage, rows: number): Promise<string> {
  const path = join(store, 'new-rows.csv');
  const file = createWriteStream(path);
  file.write('created_at,debit_account,credit_account,amount,currency,user_id,reference_code\n');
  const random = createRandom(rows);
  const write = (at: number, names: string, [from, to]: readonly [number, number], reference: string) => {
    const amount = 1 + Math.floor(random() * 1000);
    const accounts = `${names}-${from}:WALLET,${names}-${to}:WALLET`;
    file.write(`${new Date(at).toISOString()},${accounts},${amount},EUR,${names}-${from},${reference}\n`);
  };
  const late = Math.max(LATE_DAYS, Math.round(LATE_PART * rows));
  const latePair = createPairs('spread', LATE_ACCOUNTS, random);
  const each = Math.ceil(late / LATE_DAYS);
  for (let day = 1; day <= LATE_DAYS; day++) {
    const noon = Number(data.span.start + (data.span.length * BigInt(day)) / BigInt(LATE_DAYS + 1));
    for (let row = 0; row < each; row++) write(noon + row, 'late', latePair(), `late-${day}-${row}`);
  }
  const start = Date.now();
  for (let row = 0; row < rows - late; row++) {
    // Who pays and who is paid is by the law of the rows there are.
    const from = busyUser(mix.accounts, random);
    const to = 1 + ((from + Math.floor(random() * (mix.accounts - 1))) % mix.accounts);
    write(start + Math.floor((1000 * row) / rows), 'user', [from, to], `new-${row}`);
  }
  await new Promise<void>((resolve, reject) => {
    file.once('error', reject);
    file.end(resolve);
  });
  await delay(start + 1000 - Date.now());
  return path;
}

async function requireSameContent({ bench, data }: Stage): Promise<void> {
  await withClient(data.url, async (client) => {
    for (const { name, columns } of views) {
      const contentOf = async (schema: string) => {
        const { rows } = await client.query<{ said: string }>(
          `SELECT count(*) || ' rows ' || coalesce(sum(hashtextextended(t::text, 0)), 0) AS said
           FROM (SELECT ${columns} FROM ${schema}.${name}) AS t`,
        );
        return rows[0]?.said;
      };
      const [ours, theirs] = [await contentOf('ledger'), await contentOf('matview')];
      if (ours !== theirs) throw new Error(`${name} differ: ours ${ours}, the materialized view ${theirs}.`);
      bench.say(`  ${name}: the same ${ours?.split(' ')[0]} rows on both sides`);
    }
  });
}
