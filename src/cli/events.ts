import { InvalidArgumentError } from 'commander';
import { type EventsPage, readEvents } from '../quarters/events.ts';
import { type CliCommand, type CommandKit, command, contextOf, withHouse } from './command.ts';
import { eventsJson } from './json-house.ts';
import { type LocalTime, localTime } from './local-time.ts';
import { parseQuarterName } from './quarter-range.ts';
import { table } from './table.ts';
import { note, printable, printResult } from './terminal.ts';

interface Flags {
  readonly json?: boolean;
  readonly quarter?: string;
  readonly actor?: string;
  readonly limit: number;
  readonly cursor?: string;
}

/** `quartermaster events`: what people and schedules did, to quarters and to the house. */
export function eventsCommand(kit: CommandKit): CliCommand {
  return command('events', 'what people and schedules did, the newest first', [
    'events',
    'events --quarter 2024q1',
    'events --actor ada --limit 20 --json',
  ])
    .option('--quarter <quarter>', 'only what was done to this one, as 2024q1')
    .option('--actor <name>', 'only what was done under this name')
    .option('--limit <events>', 'how many, 1 to 1000', parseLimit, 50)
    .option('--cursor <cursor>', 'go on where a page ended, as it says')
    .prints(eventsJson)
    .action(async (flags: Flags) => {
      const context = contextOf(kit, flags, 'warn');
      const quarter = flags.quarter === undefined ? undefined : parseQuarterName(flags.quarter);
      await withHouse(context, async ({ database, calendar }) => {
        const { actor, limit, cursor } = flags;
        const page = await readEvents(database.read, { quarter, actor, limit, cursor });
        const time = localTime(calendar.zone);
        printResult(context.terminal, page, (found, width) => renderEvents(found, time, width));
        if (page.next !== undefined && !context.terminal.json)
          note(context.terminal, `There are more: add --cursor ${page.next}`);
      });
    });
}

function renderEvents({ events }: EventsPage, time: LocalTime, width: number): string {
  if (events.length === 0) return 'Nothing of that kind was done.';
  return table(
    [`At (${time.zone})`, 'Quarter', 'Event', 'By', 'Why'],
    events.map(({ at, quarter, event, actor, reason }) => [
      time.minute(at),
      quarter ?? '-',
      event,
      printable(actor),
      printable(reason ?? ''),
    ]),
    [],
    { width, shorten: ['Why', 'By'], stack: true },
  );
}

function parseLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 1000) return limit;
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000.');
}
