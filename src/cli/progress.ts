import { stopwatch } from '../core/clock.ts';
import { formatCount, type Terminal } from './terminal.ts';

/** Shows how far long work has come. */
export interface ProgressBar {
  update(done: number, total: number | undefined): void;
  /** Ends the line, with a word about the outcome. */
  end(outcome?: string): void;
}

const WIDTH = 28;

/** A terminal is redrawn often and a log gets a line now and then; a fast piece of work gets one line only. */
const REDRAW_SECONDS = { terminal: 0.1, log: 10 };

/** A bar that is redrawn on a terminal and plain lines elsewhere: a log file is no place for a moving bar. */
export function progressBar(terminal: Terminal, label: string): ProgressBar {
  const live = terminal.err.isTTY === true && !terminal.json;
  const elapsed = stopwatch();
  let last = 0;
  return {
    update(done, total) {
      const now = elapsed();
      if (now - last < (live ? REDRAW_SECONDS.terminal : REDRAW_SECONDS.log)) return;
      last = now;
      const text = line(label, done, total, now);
      terminal.err.write(live ? `\r\x1b[2K${text}` : `${text}\n`);
    },
    end(outcome = 'done') {
      const text = `${label.padEnd(36)} ${outcome} (${elapsed().toFixed(1)} s)`;
      terminal.err.write(live ? `\r\x1b[2K${text}\n` : `${text}\n`);
    },
  };
}

function line(label: string, done: number, total: number | undefined, seconds: number): string {
  const rate = `${formatCount(Math.round(done / Math.max(seconds, 0.001)))}/s`;
  if (total === undefined || total === 0) return `${label.padEnd(36)} ${formatCount(done)}  ${rate}`;
  const share = Math.min(1, done / total);
  const bar = '█'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '░');
  const left = share > 0 ? Math.ceil((seconds / share) * (1 - share)) : 0;
  return `${label.padEnd(36)} ${bar} ${Math.floor(share * 100)}%  ${formatCount(done)} of ${formatCount(total)}  ${rate}  ${left} s left`;
}
