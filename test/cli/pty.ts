import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../../src/db/root.ts';

const cli = join(packageRoot(), 'src', 'main', 'cli.ts');

export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process on a terminal of its own, as util-linux's `script` makes one: what is typed goes in, what is shown comes out. */
export interface OnTerminal {
  /** What was shown so far. */
  shown(): string;
  /** Waits until the text was shown. */
  until(text: string | RegExp): Promise<void>;
  type(text: string): void;
  /** What the process ended with. */
  readonly ended: Promise<number>;
}

/** Runs the program as a person at a terminal would. */
export function onTerminal(
  args: readonly string[],
  { columns = 80, rows = 40, env = {} }: Terminal,
): OnTerminal {
  const command = [process.execPath, cli, ...args].map(quoted).join(' ');
  const inner = `stty cols ${columns} rows ${rows}; exec ${command}`;
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(QM_|NO_COLOR|FORCE_|TERM|CI$|COLORTERM)/.test(name)),
  );
  // -e: it ends with what the command ended with.
  const child = spawn('script', ['-qefc', inner, '/dev/null'], {
    env: { ...clean, TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
  });
  let text = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
    for (const look of waiting) look();
  });
  const ended = once(child, 'exit').then(([code]) => code as number);
  return {
    shown: () => text,
    type: (keys) => child.stdin.write(keys),
    ended,
    until(wanted) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = () => {
        if (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) resolve();
      };
      waiting.add(look);
      look();
      ended.then((code) => reject(new Error(`it ended with ${code} and has shown: ${text}`)));
      return promise.finally(() => waiting.delete(look));
    },
  };
}

/** Runs the program to its end on a terminal. */
export async function runOnTerminal(args: readonly string[], terminal: Terminal) {
  const run = onTerminal(args, terminal);
  const code = await run.ended;
  return { code, shown: run.shown() };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
