import type { BuildProgress } from '../db/index-progress.ts';
import type { OnBlocked } from '../db/locks.ts';
import type { CommandKit } from './command.ts';
import { progressBar } from './progress.ts';
import { note, type Terminal } from './terminal.ts';

/** What a terminal shows of indexes that are built: a bar for each, one below the other, and who is in the way. */
export interface BuildWatch {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BuildProgress) => void;
  readonly onBlocked: OnBlocked;
}

/** @param options `quiet`: an index that is built in a moment is not worth a line */
export function watchBuilds(
  kit: CommandKit,
  terminal: Terminal,
  options: { quiet?: boolean } = {},
): BuildWatch {
  let current: { what: string; bar: ReturnType<typeof progressBar>; isShown: boolean } | undefined;
  return {
    signal: kit.entry.signal,
    onProgress({ what, done, total }) {
      if (current?.what !== what) {
        current = { what, bar: progressBar(terminal, what), isShown: options.quiet !== true };
      }
      if (done > 0 && done < total) current.isShown = true;
      if (done < total) {
        if (current.isShown) current.bar.update(done, total);
        return;
      }
      if (current.isShown) current.bar.end();
      current = undefined;
    },
    onBlocked: (relations, blockers) => {
      const who = blockers.map(({ pid, transactionAge }) => `pid ${pid} for ${Math.round(transactionAge)} s`);
      note(terminal, `Waiting for ${relations.join(', ')}: ${who.join(', ') || 'another session'}.`);
    },
  };
}
