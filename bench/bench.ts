import { type Figure, figureOf } from './figures.ts';
import type { Options } from './options.ts';

/** What a bench works with. */
export interface Bench {
  readonly options: Options;
  /** Says on stderr what is being done: stdout belongs to the figures. */
  say(line: string): void;
  print(...figure: Parameters<typeof figureOf>): Figure;
  /** True when a figure of that name is asked for. */
  wants(figure: string): boolean;
  /** What has to be undone at the end, the last first: also when the bench fails, and when it is interrupted. */
  onEnd(cleanup: () => Promise<void>): void;
}

/** Runs a bench to its end, its failure or the first signal, cleans up, and sets the exit code. */
export async function runBench(options: Options, main: (bench: Bench) => Promise<void>): Promise<void> {
  const started = performance.now();
  const cleanups: (() => Promise<void>)[] = [];
  let ended = false;
  const bench: Bench = {
    options,
    say: (line) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      process.stderr.write(`${seconds.padStart(7)} s  ${line}\n`);
    },
    print: (...figure) => {
      const made = figureOf(...figure);
      process.stdout.write(`${JSON.stringify(made)}\n`);
      return made;
    },
    // A prefix may be longer than the name of a group of figures, or shorter.
    wants: (figure) => figure.startsWith(options.only) || options.only.startsWith(figure),
    onEnd: (cleanup) => {
      // What was begun before an interruption and is there only now has to go as well.
      if (ended) void cleanup().catch(() => {});
      else cleanups.push(cleanup);
    },
  };
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      // A text and no Error: there is no fault whose place one would want to see.
      process.once(signal, () => reject(`Stopped by ${signal}.`));
    }
  });
  try {
    const work = main(bench);
    // After an interruption it fails some time, on what was taken from under it.
    work.catch(() => {});
    await Promise.race([work, interrupted]);
  } catch (error) {
    bench.say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = 1;
  } finally {
    ended = true;
    for (const cleanup of cleanups.toReversed()) {
      await cleanup().catch((error: unknown) => {
        bench.say(`Not cleaned up: ${error}`);
        process.exitCode = 1;
      });
    }
  }
  // Whatever an interrupted bench still waits for must not keep the process.
  process.exit();
}
