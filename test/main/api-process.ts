import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { environmentOf } from '../support/ways.ts';

/** A process that serves the API, as a pod would. */
export interface ApiProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ended: Promise<unknown>;
}

/** Starts `quartermaster api` on a port of loopback, any free one unless given, and returns when it listens. */
export async function startApi(environment: Record<string, string>, port = 0): Promise<ApiProcess> {
  const cli = join(import.meta.dirname, '..', '..', 'src', 'main', 'cli.ts');
  const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QM_')));
  const child = spawn(process.execPath, [cli, 'api'], {
    env: { ...plain, QM_PORT: String(port), QM_LOG_LEVEL: 'error', ...environmentOf(environment, 'api') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let complaint = '';
  for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
    const url = /listens on (http:\/\/\S+?)\.?$/.exec(line)?.[1];
    if (url !== undefined) {
      child.stderr?.resume();
      return { child, url, ended };
    }
    complaint += `${line}\n`;
  }
  throw new Error(`the API did not start: ${complaint}`);
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: an answer is what the API makes of it
  readonly body: any;
}

/** Calls the API with a key. */
export async function call(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(40_000),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
