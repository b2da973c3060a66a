import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { packageRoot } from '../src/db/root.ts';
import type { Bench } from './bench.ts';

/** A server in a process of its own. */
export interface ServerProcess {
  readonly origin: string;
  readonly pid: number;
  /** Ends it before the bench ends. */
  stop(): Promise<void>;
}

/** Which variable names the port of a process, and what it answers when it is ready. */
const api = { variable: 'QM_PORT', path: '/readyz' };
export const worker = { variable: 'QM_WORKER_PORT', path: '/readyz' };

const START_SECONDS = 60;
const STOP_SECONDS = 30;

/** Starts a server, the API unless told otherwise, and returns when it answers; it is stopped at the end at the latest. */
export async function startServer(
  bench: Bench,
  name: string,
  args: readonly string[],
  environment: Record<string, string>,
  kind: { readonly variable: string; readonly path: string } = api,
): Promise<ServerProcess> {
  const port = await freePort();
  const child = runNode(args, { ...environment, QM_HOST: '127.0.0.1', [kind.variable]: String(port) });
  bench.onEnd(() => stop(child));
  const origin = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + START_SECONDS * 1000;
  while (!(await isReady(origin + kind.path))) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      throw new Error(`${name} did not start; what it said is above.`);
    }
    await delay(50);
  }
  bench.say(`${name} listens on ${origin}.`);
  return { origin, pid: child.pid as number, stop: () => stop(child) };
}

/** Runs the command line to its end and returns what it wrote to stdout. */
export async function runCommand(
  bench: Bench,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<string> {
  const child = runNode(['src/main/cli.ts', ...args], environment);
  bench.onEnd(() => stop(child));
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`quartermaster ${args.join(' ')} failed: ${said}`);
  return said;
}

/** The caller's QM_ settings are left out: they are for another database, and not what is measured. */
function runNode(args: readonly string[], environment: Record<string, string>): ChildProcess {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('QM_'));
  return spawn(process.execPath, [...args], {
    cwd: packageRoot(),
    env: { ...Object.fromEntries(own), QM_LOG_LEVEL: 'warn', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1000);
  await gone;
  clearTimeout(late);
}

async function isReady(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
