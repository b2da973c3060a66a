import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { catalogue, createMetrics } from '../../src/platform/metrics.ts';
import { readAlerts } from '../support/alert-rules.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { selectorsOf } from '../support/promql.ts';
import { blocksOf, callsOf, faultOf } from '../support/runbook.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'docs', 'runbooks');
const alerts = readAlerts(join(root, 'helm', 'quartermaster', 'files', 'alerts.yaml'));
const pages = readdirSync(folder)
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
const runbooks = pages.filter(({ name }) => name !== 'README.md');
const index = pages.find(({ name }) => name === 'README.md')?.text ?? '';
const calls = pages.flatMap(({ name, text }) => callsOf(text).map((call) => ({ name, call })));

const headings = [
  'What it means',
  'What breaks, and when',
  'Look',
  'Mend',
  'If that does not help',
  'Afterwards',
];

let test: TestDatabase;
let client: pg.Client;

const entry = createEntry({ version: '1.2.3', clock: systemClock, signal: new AbortController().signal });
const program = createProgram({ entry, out: new PassThrough(), err: new PassThrough() });

beforeAll(async () => {
  test = await createDatabase();
  const house = await entry.openHouse(readConfig({ QM_DATABASE_URL: test.url }), createLogger('silent'));
  try {
    // Makes the queues, whose tables some pages look into.
    await entry.migrateUp(house.config, createLogger('silent'));
  } finally {
    await house.close();
  }
  client = new pg.Client({ connectionString: test.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await test.drop();
});

describe('runbooks', () => {
  it.each(runbooks)('$name has its parts in their order', ({ text }) => {
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual(headings);
    for (const part of text.split(/^## .*$/m).slice(1)) expect(part.trim()).not.toBe('');
  });

  it.each(runbooks)('$name names the alerts that lead to it, with how urgent they are', ({ name, text }) => {
    const leading = alerts.filter(({ annotations }) => annotations.runbook_url === `docs/runbooks/${name}`);
    expect(leading.length).toBeGreaterThan(0);
    const [head = ''] = text.split('## What it means');
    const named = [...head.matchAll(/`(Quartermaster\w+)` \((\w+)/g)].map(([, alert, severity]) => [
      alert,
      severity,
    ]);
    const wanted = leading.map(({ alert, labels }) => [alert, labels.severity]);
    expect(named.sort()).toEqual(wanted.sort());
  });

  it('are all in the index, each alert under what it is', () => {
    const listed = [
      ...index.matchAll(/^\| (`Quartermaster.*?) \| \[[a-z-]+\]\(([a-z-]+\.md)\) \|$/gm),
    ].flatMap((match) => {
      const before = index.slice(0, match.index);
      const severity = /\*\*(\w+):[^*]*\*\*(?![\s\S]*\*\*\w+:)/.exec(before)?.[1]?.toLowerCase();
      return [...(match[1] ?? '').matchAll(/Quartermaster\w+/g)].map(([alert]) => [
        alert,
        severity,
        `docs/runbooks/${match[2]}`,
      ]);
    });
    const wanted = alerts.map(({ alert, labels, annotations }) => [
      alert,
      labels.severity,
      annotations.runbook_url,
    ]);
    expect(listed.sort()).toEqual(wanted.sort());
  });

  it.each(pages)('$name leads nowhere that is not there', ({ name, text }) => {
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => !existsSync(resolve(dirname(join(folder, name)), link)));
    expect(broken).toEqual([]);
  });

  it.each(pages)('$name names alerts and metrics that are there', async ({ text }) => {
    const known = new Set(alerts.map(({ alert }) => alert));
    expect(
      [...text.matchAll(/Quartermaster[A-Z]\w+/g)].map(([name]) => name).filter((one) => !known.has(one)),
    ).toEqual([]);
    const page = await createMetrics().page.render();
    const names = new Set([...page.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name));
    const strangers = [...text.matchAll(/quartermaster_[a-z_0-9]+/g)]
      .map(([name]) => name)
      .filter((name) => !names.has(name) && !names.has(name.replace(/_(bucket|count|sum)$/, '')))
      // Names of SQL roles.
      .filter((name) => !/^quartermaster_(owner|worker|api|reader)$/.test(name));
    expect(strangers).toEqual([]);
  });
});

describe('what runbooks tell to type', () => {
  it('is a lot', () => {
    expect(calls.length).toBeGreaterThan(80);
  });

  it('is a command with options and arguments that it takes', () => {
    const faults = calls.flatMap(({ name, call }) => {
      const fault = faultOf(program, call);
      return fault === undefined ? [] : [`${name}: ${fault}`];
    });
    expect(faults).toEqual([]);
  });

  it('names jobs that there are', async () => {
    const house = await entry.openHouse(readConfig({ QM_DATABASE_URL: test.url }), createLogger('silent'));
    try {
      const known = [...house.jobNames, 'JOB'];
      const run = calls.filter(({ call }) => call[0] === 'run').map(({ call }) => call[1] ?? '');
      expect(run.filter((job) => !known.includes(job))).toEqual([]);
    } finally {
      await house.close();
    }
  });

  it.each([
    ['nothing 2025q1', 'no such command'],
    ['quarters unclose 2025q1', 'has no unclose'],
    ['quarters', 'has no action'],
    ['quarters close 2025q1 --force', 'no option --force'],
    ['quarters close', 'takes quarters'],
    ['summaries show all', 'takes no arguments'],
  ])('would be found wrong in: %s', (call, why) => {
    expect(faultOf(program, call.split(' '))).toContain(why);
    expect(callsOf(`a\n\`\`\`sh\nkubectl exec x -- quartermaster ${call}\n\`\`\`\n`)).toEqual([
      call.split(' '),
    ]);
    expect(callsOf(`see \`quartermaster ${call}\` for it`)).toEqual([call.split(' ')]);
  });

  const statements = pages.flatMap(({ name, text }) => [
    ...blocksOf(text)
      .filter(({ language }) => language === 'sql')
      .flatMap(({ text: sql, line }) =>
        sql
          .split(/;\s*$/m)
          .filter((one) => one.trim() !== '')
          .map((one) => [`${name}:${line}`, one.trim()] as const),
      ),
    ...callsOf(text)
      .filter(([command]) => command === 'query')
      .filter(([, sql]) => sql !== 'SELECT …')
      .map(([, sql = '']) => [`${name}: query`, sql] as const),
  ]);

  it.each(statements)('%s is SQL for this schema', async (_, sql) => {
    // What psql would be given with \set: a process, and a name.
    const given = sql.replaceAll(/:'\w+'/g, "'x'").replaceAll(/:pid\b/g, '1');
    await client.query('BEGIN READ ONLY');
    try {
      await client.query(`EXPLAIN ${given}`);
    } finally {
      await client.query('ROLLBACK');
    }
  });

  it.each(
    pages.flatMap(({ name, text }) =>
      blocksOf(text)
        .filter(({ language }) => language === 'promql')
        .flatMap(({ text: block }) => block.trim().split('\n'))
        .map((line) => [name, line] as const),
    ),
  )('%s asks Prometheus: %s', (_, expression) => {
    for (const { metric, matched, kept } of selectorsOf(expression)) {
      const name = metric.slice('quartermaster_'.length);
      const labels: readonly string[] =
        catalogue[name.replace(/_(bucket|count|sum)$/, '') as keyof typeof catalogue]?.labels ??
        catalogue[name as keyof typeof catalogue]?.labels;
      expect(labels, metric).toBeDefined();
      expect([...labels, 'le', 'instance']).toEqual(expect.arrayContaining([...matched, ...kept.flat()]));
    }
  });
});
