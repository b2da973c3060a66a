import { stopwatch } from '../core/clock.ts';
import { duration } from './local-time.ts';
import { cut, pad } from './table.ts';
import { columnsOf, formatBytes, formatCount, isLive, printable, type Terminal } from './terminal.ts';
import { displayWidth } from './width.ts';

/** Shows how far long work has come. */
export interface ProgressBar {
  /**
   * Rate and remaining time are those since the first call: what was done before it, by a run that this one goes on
   * from, took none of our time.
   *
   * @param bytes written so far, where something is
   */
  update(done: number, total: number | undefined, bytes?: number): void;
  /** Ends the line, with a word about the outcome. */
  end(outcome?: string): void;
}

const WIDTH = 28;
const SHORT_WIDTH = 12;
const LABEL = 36;

/** A terminal is redrawn often and a log gets a line now and then; a fast piece of work gets one line only. */
const REDRAW_SECONDS = { terminal: 0.1, log: 10 };

/** A bar that is redrawn on a terminal and plain lines elsewhere: a log file is no place for a moving bar. */
export function progressBar(terminal: Terminal, label: string): ProgressBar {
  const live = isLive(terminal);
  const elapsed = stopwatch();
  let last = 0;
  let start: { done: number; at: number } | undefined;
  return {
    update(done, total, bytes) {
      const now = elapsed();
      // Another piece of work begins at the front again, as a read after a copy does.
      if (start === undefined || done < start.done) start = { done, at: now };
      if (now - last < (live ? REDRAW_SECONDS.terminal : REDRAW_SECONDS.log)) return;
      last = now;
      const progress = { done, total, bytes, before: start.done, seconds: now - start.at };
      const text = progressLine(label, progress);
      // A line that is broken cannot be drawn again.
      const room = columnsOf(terminal.err) - 1;
      const shown = displayWidth(text) <= room ? text : progressLine(label, progress, { short: true });
      const fitting = cut(printable(shown), room);
      terminal.err.write(live ? `\r\x1b[2K${fitting}` : `${printable(text)}\n`);
    },
    end(outcome = 'done') {
      const text = printable(`${padded(label)} ${outcome} (${elapsed().toFixed(1)} s)`);
      terminal.err.write(live ? `\r\x1b[2K${text}\n` : `${text}\n`);
    },
  };
}

/** `before` of the `done` were done before the `seconds` began. */
export function progressLine(
  label: string,
  progress: {
    readonly done: number;
    readonly total: number | undefined;
    readonly bytes: number | undefined;
    readonly before: number;
    readonly seconds: number;
  },
  { short = false } = {},
): string {
  const { done, total, bytes, before, seconds } = progress;
  const perSecond = (done - before) / Math.max(seconds, 0.001);
  const rate = `${formatCount(Math.round(perSecond))}/s`;
  const written = bytes === undefined ? [] : [formatBytes(bytes)];
  if (total === undefined || total === 0)
    return [`${short ? label : padded(label)} ${formatCount(done)}`, ...written, rate].join('  ');
  const share = Math.min(1, done / total);
  const width = short ? SHORT_WIDTH : WIDTH;
  const bar = '█'.repeat(Math.round(share * width)).padEnd(width, '░');
  const left = perSecond > 0 ? [`${duration(Math.ceil((total - done) / perSecond))} left`] : [];
  const parts = [
    `${short ? label : padded(label)} ${bar} ${Math.floor(share * 100)}%`,
    `${formatCount(done)} of ${formatCount(total)}`,
  ];
  return [...parts, ...written, rate, ...left].join('  ');
}

/** Outcomes stand below each other; a label that is longer pushes its own to the right. */
function padded(label: string): string {
  return displayWidth(label) < LABEL ? pad(label, LABEL) : label;
}
