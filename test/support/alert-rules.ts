import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';

const run = promisify(execFile);

/** One alert of a rule file. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What `promtool test rules` takes, as far as it is looked at here. */
export interface RuleTests {
  readonly evaluation_interval: string;
  readonly tests: readonly {
    readonly name: string;
    readonly input_series: readonly { readonly series: string; readonly values: string }[];
    readonly alert_rule_test: readonly {
      readonly eval_time: string;
      readonly alertname: string;
      readonly exp_alerts: readonly {
        readonly exp_labels: Readonly<Record<string, string>>;
        readonly exp_annotations: Readonly<Record<string, string>>;
      }[];
    }[];
  }[];
}

/** Where promtool is on the PATH; undefined where it is not installed. */
export function findPromtool(): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'promtool'))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs it, and gives what it said and whether it was content. */
export async function promtool(args: readonly string[]): Promise<{ ok: boolean; output: string }> {
  try {
    const { stdout, stderr } = await run('promtool', [...args], { timeout: 300_000 });
    return { ok: true, output: stdout + stderr };
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    return { ok: false, output: `${message}\n${stdout}${stderr}` };
  }
}

export function readAlerts(path: string): Alert[] {
  const { groups } = parse(readFileSync(path, 'utf8')) as { groups: { name: string; rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

export function readRuleTests(path: string): RuleTests {
  return parse(readFileSync(path, 'utf8')) as RuleTests;
}

/**
 * The tests with all that promtool compares: it wants every label and every annotation of an alert, and those that never
 * vary would be repeated in each test.
 */
export function completed(tests: RuleTests, rules: string, alerts: readonly Alert[]): object {
  const byName = new Map(alerts.map((alert) => [alert.alert, alert]));
  return {
    ...tests,
    rule_files: [rules],
    tests: tests.tests.map((test) => ({
      ...test,
      alert_rule_test: test.alert_rule_test.map((look) => {
        const { labels = {}, annotations: { summary: _, ...fixed } = {} } = byName.get(look.alertname) ?? {};
        return {
          ...look,
          exp_alerts: look.exp_alerts.map(({ exp_labels, exp_annotations }) => ({
            exp_labels: { ...labels, ...exp_labels },
            exp_annotations: { ...fixed, ...exp_annotations },
          })),
        };
      }),
    })),
  };
}
