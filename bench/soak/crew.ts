import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Setting } from './setting.ts';

export type Role = 'worker' | 'writer' | 'reader' | 'loader';

/** The processes of a soak. One that dies is followed by another of the same name. */
export interface Crew {
  start(role: Role, name: string): void;
  /** Names of those that live. */
  living(role: Role): string[];
  kill(name: string): Promise<void>;
  /** To all workers: how often their store does wrong. */
  tellWorkers(weather: { rate: number }): void;
  /** Asks all of the roles to end in order, follows none of them, and returns when they are gone. */
  dismiss(roles: readonly Role[]): Promise<void>;
  /** What the processes complained of. */
  readonly complaints: string[];
  readonly started: number;
}

interface Member {
  readonly role: Role;
  readonly child: ChildProcess;
  readonly gone: Promise<unknown>;
}

/** Ended in order within this time or not at all. */
const PATIENCE_MS = 30_000;

export function openCrew(
  base: Omit<Setting, 'name' | 'seed'>,
  seedOf: () => number,
  onLoaded: (name: string, booked: number) => void,
): Crew {
  const members = new Map<string, Member>();
  const complaints: string[] = [];
  const dismissed = new Set<Role>();
  let started = 0;

  function start(role: Role, name: string): void {
    if (dismissed.has(role)) return;
    started++;
    const setting: Setting = { ...base, name, seed: role === 'loader' ? hash(name) : seedOf() };
    const child = fork(join(import.meta.dirname, `${role}.ts`), [JSON.stringify(setting)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: join(base.home, 'compiled'),
        TMPDIR: join(base.home, 'tmp'),
      },
    });
    const log = createWriteStream(join(base.home, `${name}.log`), { flags: 'a' });
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      log.write(`${line}\n`);
      const fault = faultIn(line);
      if (fault !== undefined) complaints.push(`${name}: ${fault}`);
    });
    child.on('message', (said: { complaint?: string; loaded?: string; booked?: number }) => {
      if (said.complaint !== undefined) complaints.push(said.complaint);
      if (said.loaded !== undefined) onLoaded(said.loaded, said.booked ?? 0);
    });
    const gone = once(child, 'close').then(([code]) => {
      log.end();
      if (members.get(name)?.child === child) members.delete(name);
      // 1 is what an uncaught failure leaves; a kill leaves no code.
      if (code === 1) complaints.push(`${name} died of itself; its log says why`);
      return code;
    });
    members.set(name, { role, child, gone });
  }

  const living = (role: Role) =>
    [...members].filter(([, member]) => member.role === role).map(([name]) => name);

  return {
    start,
    living,
    kill: async (name) => {
      const member = members.get(name);
      member?.child.kill('SIGKILL');
      await member?.gone;
    },
    tellWorkers: (weather) => {
      for (const { role, child } of members.values())
        if (role === 'worker' && child.connected) child.send(weather, () => {});
    },
    dismiss: async (roles) => {
      for (const role of roles) dismissed.add(role);
      const leaving = [...members].filter(([, { role }]) => roles.includes(role));
      for (const [, { child }] of leaving) child.kill('SIGTERM');
      for (const [name, { child, gone }] of leaving) {
        const late = setTimeout(() => {
          complaints.push(`${name} did not end when it was asked to`);
          child.kill('SIGKILL');
        }, PATIENCE_MS);
        await gone;
        clearTimeout(late);
      }
    },
    complaints,
    get started() {
      return started;
    },
  };
}

/** What may pass by itself, and what a store that lies brings about, is no fault of ours. */
const expected =
  /^(busy|unavailable|aborted|conflict|refused)\/|\/(archive_damaged|not_in_store|earlier_quarter_open)$/;

/** What a line of a log says went wrong that must not; undefined for all else. */
function faultIn(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { level, kind, code, detail } = JSON.parse(line) as Record<string, string>;
    if (level !== 'error' || kind === undefined || expected.test(`${kind}/${code}`)) return undefined;
    return `${kind}/${code}: ${detail}`;
  } catch {
    return undefined;
  }
}

function hash(text: string): number {
  return [...text].reduce((sum, letter) => (Math.imul(sum, 31) + (letter.codePointAt(0) ?? 0)) >>> 0, 7);
}
