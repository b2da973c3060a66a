import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** A quartermaster that is not run from its sources: an assembled tree, or an image. */
export interface Program {
  /** The command and its first arguments that run `quartermaster …`, with these variables and no others of ours. */
  line(environment: Readonly<Record<string, string>>): readonly [command: string, ...args: string[]];
  /** Where the command itself runs; what it is must not depend on the checkout. */
  readonly cwd: string;
  /** Variables of this process that it needs besides PATH, as where Docker listens. */
  readonly inherits?: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command of it that runs until it is stopped. */
export interface Running {
  /** Sends a signal and tells how it ended. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

/** Runs one command to its end. */
export async function run(
  program: Program,
  environment: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Ended> {
  return ended(launch(program, environment, args));
}

/** Starts a command that serves, and returns when `address` answers with 200. */
export async function serve(
  program: Program,
  environment: Readonly<Record<string, string>>,
  command: string,
  address: string,
): Promise<Running> {
  const child = launch(program, environment, [command]);
  const end = ended(child);
  // Only a test that failed leaves it running.
  onTestFinished(() => void child.kill('SIGKILL'));
  const early = end.then(({ code, out, err }) => {
    throw new Error(`${command} ended with ${code} before it served: ${out}${err}`);
  });
  early.catch(() => {});
  await Promise.race([early, untilOk(address)]);
  return {
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return end;
    },
  };
}

function launch(
  program: Program,
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
): ChildProcess {
  const [command, ...first] = program.line(environment);
  const inherited = ['PATH', ...(program.inherits ?? [])].map((name) => [name, process.env[name]] as const);
  return spawn(command, [...first, ...args], {
    cwd: program.cwd,
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ChildProcess): Promise<Ended> {
  const [out, err, [code]] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    once(child, 'close'),
  ]);
  return { code: code as number | null, out, err };
}

async function untilOk(address: string): Promise<void> {
  for (;;) {
    const response = await fetch(address, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.status === 200) return;
    // Nothing tells when a port of another process opens, so it is asked again.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
