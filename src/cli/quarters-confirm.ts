import { listQuarters } from '../quarters/list.ts';
import type { CommandKit } from './command.ts';
import { requireConfirmed } from './confirm.ts';
import type { CliHouse } from './house.ts';
import { localTime } from './local-time.ts';
import type { VerbCall, VerbFlags } from './quarters-verb.ts';
import { countOf } from './render-list.ts';
import { formatBytes, printable, type Terminal } from './terminal.ts';

/** Asks before a verb that takes away what is not in the archive's stead: a drop, and the release of a copy. */
export async function requireMeant(
  kit: CommandKit,
  terminal: Terminal,
  house: CliHouse,
  { verb, names, text }: VerbCall,
  flags: VerbFlags,
): Promise<void> {
  const [first = ''] = names;
  const type = names.length === 1 ? first : text;
  if (verb === 'release' && flags.into !== undefined) {
    const loses = [
      `This drops the copy of ${type} in schema ${printable(flags.into)}, with what was changed in it since.`,
    ];
    const otherwise = 'Add --yes to do it, or --dry-run to see what it finds.';
    await requireConfirmed(kit, terminal, flags, { loses, type, otherwise });
  }
  if (verb !== 'drop') return;
  const otherwise = 'What is left is the archive. Add --yes to do it, or --dry-run to see what it finds.';
  // What is told of the quarters is read only for somebody who can be asked.
  const isAsked = flags.yes !== true && kit.input?.isTTY === true && terminal.err.isTTY === true;
  const loses = [
    `This drops the tables of ${printable(text)}.`,
    ...(isAsked && !terminal.json ? await lossesOf(house, names) : []),
  ];
  await requireConfirmed(kit, terminal, flags, { loses, type, otherwise });
}

/** What each of them has online, and what is left of it. */
async function lossesOf(house: CliHouse, names: readonly string[]): Promise<string[]> {
  const time = localTime(house.calendar.zone);
  const quarters = (await listQuarters(house.quarters)).filter(({ name }) => names.includes(name));
  return quarters.map(({ name, transactions, exact, onlineBytes, archivedBytes, verifiedAt }) => {
    const left =
      verifiedAt === null
        ? 'no archive that was found right'
        : `its archive of ${formatBytes(archivedBytes)}, read and found right ${time.minute(verifiedAt)}`;
    return `${name}: ${countOf(transactions, exact)} transactions, ${formatBytes(onlineBytes)} online. What is left is ${left}.`;
  });
}
