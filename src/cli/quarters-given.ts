import type { Command } from 'commander';
import { readQuarters } from '../quarters/registry.ts';
import type { CliHouse } from './house.ts';
import { parseQuarterRange, QUARTERS_FORMS, type QuarterRange } from './quarter-range.ts';

export const QUARTERS_OPTION = ['--quarters <quarters>', QUARTERS_FORMS] as const;

/** The quarters, by whichever of the two ways they were given; both or none is a wrong call. */
export function givenRange(
  command: Command,
  argument: string | undefined,
  option: string | undefined,
): QuarterRange {
  if (argument !== undefined && option !== undefined) {
    command.error('error: give the quarters as an argument or by --quarters, and not both');
  }
  const text = argument ?? option;
  if (text === undefined) command.error("error: missing required argument 'quarters'");
  return parseQuarterRange(text as string);
}

/** The names; only of an open end has the database to be asked. */
export async function namesOf({ database }: CliHouse, range: QuarterRange): Promise<string[]> {
  if (!range.isOpen) return range.names([]);
  const rows = await readQuarters(database.write);
  return range.names(rows.map(({ quarter }) => quarter));
}
