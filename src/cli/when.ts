import { AppError } from '../core/errors.ts';
import { isUnderstood, parseWhen, sayMoment } from '../core/when.ts';
import type { CliHouse } from './house.ts';
import { note, printable, type Terminal } from './terminal.ts';

/**
 * The time that an option says, as people write it; how it was understood is said back.
 *
 * @param dayMeans which end of a day is meant where only a day is said
 * @throws AppError invalid/bad_option
 */
export function readWhen(
  terminal: Terminal,
  { calendar, clock }: Pick<CliHouse, 'calendar' | 'clock'>,
  option: string,
  text: string,
  dayMeans: 'start' | 'end',
): Date {
  const now = clock.now();
  const found = parseWhen(text, { calendar, now, dayMeans });
  if (!isUnderstood(found)) throw new AppError('invalid', 'bad_option', `${option} ${text} ${found.fault}.`);
  if (found.at <= now) {
    const detail = `${option} ${text} is ${sayMoment(found, calendar.zone)}, which is not to come. Write a later time, as "in 14 days" or 2027-01-31.`;
    throw new AppError('invalid', 'bad_option', detail);
  }
  // With --json only a document of an error is written beside the result.
  if (!terminal.json)
    note(terminal, `${option} ${printable(text)} is understood as ${sayMoment(found, calendar.zone)}.`);
  return found.at;
}
