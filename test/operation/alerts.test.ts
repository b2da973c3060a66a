import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { completed, findPromtool, promtool, readAlerts, readRuleTests } from '../support/alert-rules.ts';

const root = join(import.meta.dirname, '..', '..');
const rules = join(root, 'helm', 'quartermaster', 'files', 'alerts.yaml');
const alerts = readAlerts(rules);
const folder = join(import.meta.dirname, 'alerts');
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const tests = files.map((name) => ({ name, tests: readRuleTests(join(folder, name)) }));

describe('alerts', () => {
  it('are some, each of its own name', () => {
    const names = alerts.map(({ alert }) => alert);
    expect(names.length).toBeGreaterThan(20);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^Quartermaster[A-Z][A-Za-z]+$/.test(name))).toEqual([]);
  });

  it.each(alerts.map((alert) => [alert.alert, alert] as const))('%s says what a person needs', (_, alert) => {
    const { labels, annotations } = alert;
    expect(['critical', 'warning', 'info']).toContain(labels.severity);
    expect(Object.keys(annotations).sort()).toEqual(['description', 'runbook_url', 'summary']);
    const { summary = '', description = '', runbook_url: runbook = '' } = annotations;
    expect(summary).toMatch(/^[^\n]+\.$/);
    // One number or name at least, for the summary is all that many see.
    expect(summary).toMatch(/\{\{/);
    // What varies stands in the summary, which is tested as it is rendered.
    expect(description).toMatch(/^[^{}]+\.$/);
    expect(runbook).toMatch(/^docs\/runbooks\/[a-z-]+\.md$/);
    expect(existsSync(join(root, runbook)), `${runbook} is missing`).toBe(true);
  });

  it('wake few', () => {
    const critical = alerts.filter(({ labels }) => labels.severity === 'critical');
    expect(critical.map(({ alert }) => alert).sort()).toEqual([
      'QuartermasterApiErrors',
      'QuartermasterApiMissing',
      'QuartermasterApiNotReady',
      'QuartermasterArchiveDamaged',
      'QuartermasterHorizonCritical',
      'QuartermasterLedgerImbalance',
      'QuartermasterWraparoundNear',
    ]);
  });

  it.each(alerts.map(({ alert }) => alert))('%s is seen silent, then firing, then silent again', (alert) => {
    const stories = tests
      .flatMap((file) => file.tests.tests)
      .map(({ alert_rule_test: looks }) =>
        looks
          .filter(({ alertname }) => alertname === alert)
          .map(({ exp_alerts }) => (exp_alerts.length > 0 ? 'firing' : 'silent'))
          .join(' '),
      );
    expect(stories.some((story) => /silent.* firing.* silent/.test(story))).toBe(true);
  });

  it('are the only ones that tests look at', () => {
    const known = new Set(alerts.map(({ alert }) => alert));
    const looked = tests.flatMap((file) => file.tests.tests.flatMap((test) => test.alert_rule_test));
    expect(looked.filter(({ alertname }) => !known.has(alertname))).toEqual([]);
  });
});

// promtool evaluates every rule at every minute of hours, which takes as long as the machine needs.
describe.skipIf(findPromtool() === undefined)('promtool', { timeout: 300_000 }, () => {
  let scratch: string;

  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'quartermaster-alerts-'));
  });

  afterAll(() => rmSync(scratch, { recursive: true }));

  it('finds no fault in the rules', async () => {
    expect(await promtool(['check', 'rules', rules])).toMatchObject({ ok: true });
  });

  it.each(tests)('is content with $name', async ({ name, tests: written }) => {
    const path = join(scratch, basename(name));
    writeFileSync(path, stringify(completed(written, rules, alerts)));
    const { ok, output } = await promtool(['test', 'rules', path]);
    expect(ok, output).toBe(true);
  });

  it('is not content with a summary that is not what is rendered', async () => {
    const written = readRuleTests(join(folder, 'jobs.yaml'));
    const text = stringify(completed({ ...written, tests: written.tests.slice(1, 2) }, rules, alerts));
    const path = join(scratch, 'wrong.yaml');
    writeFileSync(path, text.replace(/(exp_annotations:[\s\S]*?summary: ).*/, '$1Nothing of the kind.'));
    expect(await promtool(['test', 'rules', path])).toMatchObject({ ok: false });
  });
});
