import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from '../cli/program.ts';
import { systemClock } from '../core/clock.ts';
import { packageRoot } from '../db/root.ts';
import { isDumbTerminal } from '../platform/config.ts';
import { createEntry } from './entry.ts';

const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
  version: string;
};

// The first signal asks to stop in order; whoever insists with a second one gets an end at once. It is ended here, for as the
// first process of a container it would not die of a signal by itself.
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
    stop.abort(signal);
  });
}

// A reader that went away (`… | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const entry = createEntry({ version, clock: systemClock, signal: stop.signal });
process.exitCode = await runCommandLine(
  { entry, out: process.stdout, err: process.stderr, input: process.stdin, dumb: isDumbTerminal() },
  process.argv.slice(2),
);
// All is done that could be done. A connection on which a database hangs would keep the process for minutes yet.
if (stop.signal.aborted) setTimeout(() => process.exit(), 500).unref();
// A call to a file system that hangs would keep it for ever, for it holds a thread that no exit ends. What takes the place of the
// process ends it, and with the same code. Who reads slowly gets all that was printed first.
setInterval(() => {
  if (process.stdout.writableLength + process.stderr.writableLength > 0) return;
  const program = `process.exitCode = ${Number(process.exitCode)}`;
  process.execve?.(process.execPath, [process.execPath, '-e', program], {});
}, 500).unref();
