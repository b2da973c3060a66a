import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** A line of the log, or `{ text }` of what is said to people. */
export type Line = Readonly<Record<string, unknown>> & { readonly msg?: string; readonly text?: string };

/** A process of the command line, as a pod runs it. */
export interface Running {
  readonly child: ChildProcess;
  /** All it has said so far. */
  readonly lines: readonly Line[];
  /** Its first line for which this holds, said or to be said. Fails when it ends without one. */
  said(wanted: (line: Line) => boolean): Promise<Line>;
  /** Its exit code, or the signal it died of. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/**
 * Starts `quartermaster WORDS`. What still runs at the end of the test is killed, unless the caller sees to that: one that is
 * started for a whole file.
 */
export function spawnCommand(
  words: readonly string[],
  environment: Record<string, string>,
  { untilTestEnds = true }: { untilTestEnds?: boolean } = {},
): Running {
  const cli = join(import.meta.dirname, '..', '..', 'src', 'main', 'cli.ts');
  const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QM_')));
  const child = spawn(process.execPath, [cli, ...words], {
    env: { ...plain, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  let isOver = false;
  const tell = () => {
    for (const look of waiting) look();
  };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (text) => {
      lines.push(parse(text));
      tell();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => {
    isOver = true;
    tell();
    return (code ?? signal) as number | NodeJS.Signals;
  });
  if (untilTestEnds)
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
    });
  return {
    child,
    lines,
    ended,
    said: (wanted) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find(wanted);
          if (found === undefined && !isOver) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`it ended without a word of it: ${JSON.stringify(lines, undefined, 1)}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

function parse(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return { text };
  }
}

export interface Health {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: an answer is what the process makes of it
  readonly body: any;
}

export async function health(url: string, page: 'healthz' | 'readyz'): Promise<Health> {
  const response = await fetch(`${url}/${page}`, { headers: { connection: 'close' } });
  return { status: response.status, body: await response.json() };
}
