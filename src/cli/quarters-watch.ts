import { InvalidArgumentError } from 'commander';
import { stopwatch } from '../core/clock.ts';
import { stringify } from '../core/json.ts';
import { pause } from '../platform/retry.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';
import { type CliCommand, type CommandKit, command, contextOf, withHouse } from './command.ts';
import type { CliHouse } from './house.ts';
import { watchJson } from './json-quarters.ts';
import { type LocalTime, localTime } from './local-time.ts';
import { painted } from './paint.ts';
import type { QuarterOutline } from './quarter-facts.ts';
import { parseQuarterRange, QUARTERS_FORMS, type QuarterRange } from './quarter-range.ts';
import { QUARTERS_OPTION } from './quarters-given.ts';
import { readOutlines } from './quarters-look.ts';
import { renderFrame } from './render-watch.ts';
import { columnsOf, harmless, isLive, type Terminal } from './terminal.ts';
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
  return command('watch', 'the list as it changes, with what workers do, until Ctrl-C', [
    'quarters watch',
    'quarters watch 2023q1..2023q4 --interval 10',
    'quarters watch --json',
  ])
    .argument('[quarters]', `as ${QUARTERS_FORMS} (default: all)`)
    .option(...QUARTERS_OPTION)
    .option('--interval <seconds>', 'how often it looks, 0.2 to 3600', parseInterval, 2)
    .prints(watchJson)
    .action(async (given: string | undefined, flags: Flags) => {
      const text = given ?? flags.quarters;
      const range = text === undefined ? undefined : parseQuarterRange(text);
      const context = contextOf(kit, flags, 'warn');
      const { terminal } = context;
      await withHouse(context, async (house) => {
        const show = terminal.out.isTTY === true && isLive(terminal) ? drawing(terminal) : telling(terminal);
        const seconds = stopwatch();
        try {
          while (!kit.entry.signal.aborted) {
            show(await look(house, range), seconds());
            await pause(flags.interval * 1000, kit.entry.signal);
          }
        } catch (error) {
          // To be asked to stop is how it ends.
          if (!kit.entry.signal.aborted) throw error;
        }
      });
    });
}

async function look(house: CliHouse, range: QuarterRange | undefined): Promise<Look> {
  const quarters = await readOutlines(house, range);
  const names = new Set(quarters.map(({ name }) => name));
  const jobs = (await house.quarterJobs()).filter(({ quarter }) => names.has(quarter));
  return { at: house.clock.now(), quarters, jobs, time: localTime(house.calendar.zone) };
}

/** Draws each look over the one before, no higher than the terminal. */
function drawing({ out }: Terminal): (look: Look, seconds: number) => void {
  const changes = createChanges();
  let drawn = 0;
  return (found, seconds) => {
    const { paces } = changes(found, seconds);
    const room = Math.max(3, (out.rows ?? 24) - 1);
    const lines = renderFrame(found, paces, { width: columnsOf(out), height: room });
    // Each line is cleared behind its text, so that nothing flickers.
    const text = lines.map((line) => `${painted(harmless(line), out)}\x1b[K\n`).join('');
    out.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}${text}\x1b[J`);
    drawn = lines.length;
  };
}

/** A line for each thing as it is at first, and for each that changes. */
function telling({ out, json }: Terminal): (look: Look, seconds: number) => void {
  const changes = createChanges();
  return (found, seconds) => {
    const { changed, paces } = changes(found, seconds);
    for (const change of changed) out.write(`${lineOf(change, paces, found, json)}\n`);
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
