import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import pg from 'pg';
import { expect, it } from 'vitest';
import { examine } from '../../src/cli/doctor/examine.ts';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import type { Limits } from '../../src/cli/doctor/limits.ts';
import { type Machine, thisMachine } from '../../src/cli/doctor/machine.ts';
import type { ProcessKind } from '../../src/cli/doctor/setup.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { packageRoot } from '../../src/db/root.ts';
import { createEntry } from '../../src/main/entry.ts';
import { type Config, readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';

/** A set-up, as the doctor meets it. */
export interface SetUp {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly as?: ProcessKind;
  readonly limits?: Partial<Limits>;
  readonly machine?: Partial<Machine>;
  readonly clock?: Clock;
  /** What the environment cannot say. */
  readonly config?: Partial<Config>;
}

export function entryOf({ env, clock = systemClock, config }: SetUp) {
  return {
    ...createEntry({ version: '1.2.3', clock, signal: new AbortController().signal }),
    readConfig: () => ({ ...readConfig(env), ...config }),
    createLogger: () => createLogger('silent'),
  };
}

/** What the doctor finds; of the named checks only where there are names. */
export async function findingsOf(setup: SetUp, ...only: string[]): Promise<Finding[]> {
  const { limits = {}, machine, as } = setup;
  return examine(entryOf(setup), { only, as, limits, machine: { ...thisMachine, ...machine } });
}

export async function findingOf(setup: SetUp, name: string): Promise<Finding> {
  const [finding] = await findingsOf(setup, name);
  if (finding === undefined) throw new Error(`there is no finding of ${name}`);
  return finding;
}

/** The whole command in this process. */
export async function doctor(env: SetUp['env'], ...options: string[]) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const code = await runCommandLine({ entry: entryOf({ env }), out, err }, ['doctor', ...options]);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

/** The program as a process of its own, until it has ended. */
export function runAlone(args: readonly string[], env: Record<string, string>) {
  const cli = join(packageRoot(), 'src', 'main', 'cli.ts');
  return new Promise<{ code: number; out: string }>((resolve) => {
    execFile(process.execPath, [cli, ...args], { env }, (error, out) =>
      resolve({ code: error === null ? 0 : Number(error.code), out }),
    );
  });
}

export interface Broken extends SetUp {
  readonly outcome: 'failed' | 'advice';
  /** With its numbers. */
  readonly found: RegExp;
  readonly advice?: RegExp;
}

/** A set-up that is broken on purpose has to be found out. Every check has one: `doctor.test.ts` looks for them by name. */
export function breaks(name: string, what: string, broken: () => Broken | Promise<Broken>): void {
  it(`${name} tells of ${what}`, async () => {
    const setup = await broken();
    const finding = await findingOf(setup, name);
    expect(finding).toMatchObject({
      name,
      outcome: setup.outcome,
      found: expect.stringMatching(setup.found),
      means: expect.stringMatching(/\.$/),
      advice: expect.stringMatching(setup.advice ?? /\w/),
    });
  });
}

/** One or several statements, on a connection of their own. */
export async function run(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** A session that is left in the middle of something. */
export async function sessionOf(url: string, text: string, name = 'left'): Promise<{ end(): Promise<void> }> {
  const client = new pg.Client({ connectionString: url, application_name: name });
  client.on('error', () => {});
  await client.connect();
  await client.query(text);
  return { end: () => client.end() };
}
