import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { freePort } from './free-port.ts';

const run = promisify(execFile);

/** True where the program is installed. */
export async function hasPrometheus(): Promise<boolean> {
  return run('prometheus', ['--version']).then(
    () => true,
    () => false,
  );
}

/** A real Prometheus on loopback, which scrapes and evaluates each second. */
export interface Prometheus {
  readonly url: string;
  /** What an expression comes to now: the labels of each series, and its value. */
  query(expr: string): Promise<Sample[]>;
  /** The rules of all files, as they were last evaluated. */
  rules(): Promise<EvaluatedRule[]>;
  stop(): Promise<void>;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface EvaluatedRule {
  readonly name: string;
  readonly query: string;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
  readonly state?: 'inactive' | 'pending' | 'firing';
  readonly alerts?: readonly { readonly annotations: Readonly<Record<string, string>> }[];
}

export interface PrometheusOptions {
  /** Host and port of the targets of each job. */
  readonly jobs: Readonly<Record<string, readonly string[]>>;
  /** Absolute paths. */
  readonly rules?: readonly string[];
}

/** Ends with its input, and so with whoever holds the other side, kill -9 included. */
const guard = 'dir="$1"; shift; "$@" & read -r _; kill -KILL $!; wait; rm -rf "$dir"';

/** Starts a Prometheus that the caller stops. It is ended all the same when the test run is killed. */
export async function startPrometheus({ jobs, rules = [] }: PrometheusOptions): Promise<Prometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'prometheus-'));
  const file = join(directory, 'prometheus.yaml');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeFile(
    file,
    stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: rules,
      scrape_configs: Object.entries(jobs).map(([name, targets]) => ({
        job_name: name,
        static_configs: [{ targets }],
      })),
    }),
  );
  const command = [
    'prometheus',
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
  const child = spawn('/bin/sh', ['-c', guard, 'guard', directory, ...command], {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  const stop = async () => {
    child.stdin.end();
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    if ((await fetch(`${url}/-/ready`).catch(() => undefined))?.ok) break;
    if (tries === 400) {
      await stop();
      throw new Error(`Prometheus did not start: ${complaint}`);
    }
    await delay(25);
  }

  async function ask<T>(path: string, parameters: Record<string, string> = {}): Promise<T> {
    const response = await fetch(`${url}/api/v1/${path}`, {
      ...(path.startsWith('query') ? { method: 'POST', body: new URLSearchParams(parameters) } : {}),
      signal: AbortSignal.timeout(20_000),
    });
    const answer = (await response.json()) as { status: string; data: T; error?: string };
    if (answer.status !== 'success') throw new Error(`${parameters.query ?? path}: ${answer.error}`);
    return answer.data;
  }

  return {
    url,
    async query(query) {
      type Raw = { metric: Record<string, string>; value: [number, string] };
      const { resultType, result } = await ask<{ resultType: string; result: Raw[] }>('query', { query });
      if (resultType !== 'vector') throw new Error(`${query} is a ${resultType}.`);
      return result.map(({ metric, value }) => ({ metric, value: numberOf(value[1]) }));
    },
    rules: async () =>
      (await ask<{ groups: { rules: EvaluatedRule[] }[] }>('rules')).groups.flatMap((group) => group.rules),
    stop,
  };
}

/** As Prometheus writes numbers. */
function numberOf(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}
