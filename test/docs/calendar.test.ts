import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nextStep, type PlannedQuarter, planSteps, startable } from '../../jobs/quarter-plan.ts';
import { calendar, nextName } from '../../src/core/quarter.ts';
import { packageRoot } from '../../src/db/root.ts';
import { readConfig } from '../../src/platform/config.ts';
import { row } from '../jobs/planned.ts';

// The year in docs/guide-finance.md is what the schedule's own plan comes to, night after night, with the defaults.

const zone = calendar('Europe/Berlin');
const policy = readConfig({ QM_DATABASE_URL: 'postgres://localhost/ledger' });
const file = join(packageRoot(), 'docs', 'guide-finance.md');

/** What the plan does in the nights of a year: `[day, quarter, verbs]`, and what is created when a quarter begins. */
function yearOf(year: number): string[][] {
  const rows: string[][] = [];
  const nights = nightsFrom(new Date(`${year - 2}-01-01T12:00:00Z`), new Date(`${year}-12-31T12:00:00Z`));
  let quarters: PlannedQuarter[] = [];
  for (const now of nights) {
    const day = zone.dayOf(now);
    const current = zone.quarterOf(now).name;
    const ahead = nextName(current, policy.premakeQuarters);
    if (quarters.length === 0)
      quarters = Array.from({ length: 9 }, (_, i) => row(nextName(current, i - 8), 'open'));
    const last = quarters.at(-1)?.quarter ?? current;
    for (let name = last; name < ahead; ) {
      name = nextName(name);
      quarters.push({ ...row(name, 'open'), ends_at: zone.quarter(name).end });
      if (day.startsWith(String(year))) rows.push([day, name, 'is created, empty, a year ahead']);
    }
    const done = new Map<string, string[]>();
    for (let steps = startable(planSteps(quarters, now, zone, policy).steps); steps.length > 0; ) {
      for (const { quarter, verb } of steps) {
        done.set(quarter, [...(done.get(quarter) ?? []), verb]);
        quarters = quarters.map((each) => (each.quarter === quarter ? moved(each, verb, now) : each));
      }
      steps = startable(planSteps(quarters, now, zone, policy).steps);
    }
    for (const [quarter, verbs] of done)
      if (day.startsWith(String(year))) rows.push([day, quarter, sentence(verbs)]);
  }
  return rows;
}

const states = { close: 'closed', archive: 'archived', detach: 'detached', drop: 'dropped' } as const;

function moved(quarter: PlannedQuarter, verb: string, now: Date): PlannedQuarter {
  const state = states[verb as keyof typeof states] ?? quarter.state;
  // The work takes a minute, and the days of a drop count from its end.
  return { ...quarter, state, ...(verb === 'detach' && { detached_at: new Date(now.getTime() + 60_000) }) };
}

function sentence(verbs: readonly string[]): string {
  const words: Record<string, string> = {
    close: 'is **closed**: its books are checked and its trial balance is fixed',
    'archive verify detach': 'is **archived**, read back, and **detached**: its rows leave the tables',
    drop: 'is **dropped**: its archive is read once more, and its tables are gone',
  };
  return words[verbs.join(' ')] ?? verbs.join(', ');
}

/** 02:00 of each day in the zone. */
function nightsFrom(first: Date, last: Date): Date[] {
  const nights: Date[] = [];
  for (let at = first.getTime(); at <= last.getTime(); at += 24 * 3_600_000) {
    nights.push(new Date(zone.startOfDay(zone.dayOf(new Date(at))).getTime() + 2 * 3_600_000));
  }
  return nights;
}

it('the year in the guide for finance is the one that the schedule makes', () => {
  const rows = yearOf(2027);
  expect(rows.length).toBe(16);
  const table = ['| day (in 2027) | quarter | what happens by itself |', '|---|---|---|'];
  for (const [day, quarter, what] of rows) table.push(`| ${day} | ${quarter} | ${what} |`);
  const text = readFileSync(file, 'utf8');
  const pattern = /(<!-- calendar -->\n)[\s\S]*?(<!-- \/calendar -->)/;
  const fresh = text.replace(pattern, (_, before, after) => `${before}${table.join('\n')}\n${after}`);
  if (process.env.QM_TEST_WRITE_DOCS === '1') writeFileSync(file, fresh);
  else expect(text).toBe(fresh);
  // What is not of this year is not told of it either.
  expect(nextStep(row('2027q4', 'open'), zone, policy)?.at.toISOString().slice(0, 4)).toBe('2028');
});
