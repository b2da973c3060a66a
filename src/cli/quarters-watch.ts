import { type Command, InvalidArgumentError } from 'commander';
import { stopwatch } from '../core/clock.ts';
import type { AppError } from '../core/errors.ts';
import { stringify } from '../core/json.ts';
import { toAppError } from '../db/sqlstate.ts';
import { pause, throwIfAborted } from '../platform/retry.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';
import { type CliCommand, type CommandKit, command, contextOf, withHouse } from './command.ts';
import type { CliHouse } from './house.ts';
import { watchJson } from './json-quarters.ts';
import { type LocalTime, localTime } from './local-time.ts';
import { paint, painted } from './paint.ts';
import type { QuarterOutline } from './quarter-facts.ts';
import { QUARTERS_FORMS, type QuarterRange } from './quarter-range.ts';
import { givenRange, QUARTERS_OPTION } from './quarters-given.ts';
import { readOutlines } from './quarters-look.ts';
import { renderFrame } from './render-watch.ts';
import { columnsOf, harmless, isLive, note, type Terminal } from './terminal.ts';
import { type Change, createChanges, type Pace, renderChange } from './watch-changes.ts';

interface Flags {
  readonly json?: boolean;
  readonly quarters?: string;
  readonly interval: number;
}

/** What a look has found. */
export interface Look {
  readonly at: Date;
  readonly quarters: readonly QuarterOutline[];
  /** What workers were asked to do to these, the newest first. */
  readonly jobs: readonly QuarterJob[];
  readonly time: LocalTime;
}

/** `quartermaster quarters watch`: the list as it changes, until it is asked to stop. */
export function watchCommand(kit: CommandKit): CliCommand {
  const examples = ['quarters watch', 'quarters watch 2023q1..2023q4 --interval 10', 'quarters watch --json'];
  return command(
    'watch',
    'the list as it changes, with what workers do, until Ctrl-C',
    examples,
    'print one JSON document a line, for each thing at first and for each that changes',
  )
    .argument('[quarters]', `as ${QUARTERS_FORMS} (default: all)`)
    .option(...QUARTERS_OPTION)
    .option('--interval <seconds>', 'how often it looks, 0.2 to 3600', parseInterval, 2)
    .prints(watchJson)
    .action(async (given: string | undefined, flags: Flags, self: Command) => {
      const isAll = given === undefined && flags.quarters === undefined;
      const range = isAll ? undefined : givenRange(self, given, flags.quarters);
      const context = contextOf(kit, flags, 'warn');
      const { terminal } = context;
      await withHouse(context, async (house) => {
        const view = terminal.out.isTTY === true && isLive(terminal) ? drawing(terminal) : telling(terminal);
        // Whoever reads may go away (`… | head`), and then there is nobody to tell.
        const unread = new AbortController();
        const stop = () => unread.abort();
        terminal.out.once('error', stop);
        const signal = AbortSignal.any([kit.entry.signal, unread.signal]);
        try {
          await keepLooking(() => look(house, range), view, { everyMs: flags.interval * 1000, signal });
        } catch (error) {
          // To be asked to stop is how it ends.
          if (!signal.aborted) throw error;
        } finally {
          terminal.out.removeListener('error', stop);
        }
      });
    });
}

/** Who shows what a look has found, or that it has found nobody. */
export interface View {
  show(look: Look, seconds: number): void;
  /** Told once, until there is a look again. */
  lost(error: AppError): void;
}

/** Milliseconds: a database that is away is asked more and more seldom, and no more seldom than this. */
const LONGEST_PAUSE = 30_000;

/**
 * Looks again and again until the signal fires, which it throws. A database that goes away is waited for.
 *
 * @throws AppError where a look fails for another reason
 */
export async function keepLooking(
  find: () => Promise<Look>,
  view: View,
  { everyMs, signal }: { everyMs: number; signal: AbortSignal },
): Promise<void> {
  const seconds = stopwatch();
  for (let failures = 0; ; ) {
    throwIfAborted(signal);
    try {
      view.show(await find(), seconds());
      failures = 0;
    } catch (error) {
      const known = toAppError(error);
      if (known.kind !== 'unavailable') throw error;
      if (failures++ === 0) view.lost(known);
    }
    const longest = Math.max(everyMs, LONGEST_PAUSE);
    await pause(Math.min(everyMs * 2 ** Math.min(failures, 10), longest), signal);
  }
}

async function look(house: CliHouse, range: QuarterRange | undefined): Promise<Look> {
  const quarters = await readOutlines(house, range);
  const names = new Set(quarters.map(({ name }) => name));
  const jobs = (await house.quarterJobs()).filter(({ quarter }) => names.has(quarter));
  return { at: house.clock.now(), quarters, jobs, time: localTime(house.calendar.zone) };
}

/** Draws each look over the one before, no higher than the terminal. */
function drawing(terminal: Terminal): View {
  const { out } = terminal;
  const changes = createChanges();
  let drawn = 0;
  return {
    show(found, seconds) {
      const { paces } = changes(found, seconds);
      const room = Math.max(3, (out.rows ?? 24) - 1);
      const lines = renderFrame(found, paces, { width: columnsOf(out), height: room });
      // Each line is cleared behind its text, so that nothing flickers.
      const text = lines.map((line) => `${painted(harmless(line), out)}\x1b[K\n`).join('');
      out.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}${text}\x1b[J`);
      drawn = lines.length;
    },
    lost(error) {
      tellLoss(terminal, error);
      // The next look is drawn below what was told.
      drawn = 0;
    },
  };
}

function tellLoss(terminal: Terminal, { kind, code, detail }: AppError): void {
  if (terminal.json) terminal.err.write(`${stringify({ error: { kind, code, detail } })}\n`);
  else note(terminal, `${detail} It is waited for; Ctrl-C ends it. ${paint('faint', `[${code}]`)}`);
}

/** A line for each thing as it is at first, and for each that changes. */
function telling(terminal: Terminal): View {
  const { out, json } = terminal;
  const changes = createChanges();
  return {
    show(found, seconds) {
      const { changed, paces } = changes(found, seconds);
      for (const change of changed) out.write(`${lineOf(change, paces, found, json)}\n`);
    },
    lost: (error) => tellLoss(terminal, error),
  };
}

function lineOf(change: Change, paces: ReadonlyMap<string, Pace>, found: Look, json: boolean): string {
  if (!json) return harmless(renderChange(change, paces, found));
  const { id, ...told } = change;
  const left = change.what === 'job' ? { left: paces.get(id)?.left ?? null } : {};
  return stringify({ at: found.at, ...told, ...left });
}

function parseInterval(text: string): number {
  const seconds = Number(text);
  if (seconds >= 0.2 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('Write seconds, from 0.2 to 3600.');
}
