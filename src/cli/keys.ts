import { type Command, Option } from 'commander';
import { ROLES, type Role } from '../core/access.ts';
import { AppError } from '../core/errors.ts';
import type { Calendar } from '../core/quarter.ts';
import { DAY } from '../core/timestamp.ts';
import { createKey, type KeyListing, listKeys, revokeKey } from '../ledger/keys.ts';
import { type CommandKit, contextOf, group, JSON_OPTION, withHouse } from './command.ts';
import { personOf } from './person.ts';
import { note, printResult, table } from './terminal.ts';

interface CreateFlags {
  json?: boolean;
  name: string;
  role: Role[];
  ledger?: string[];
  expires?: string;
}

/** `quartermaster keys create|list|revoke` */
export function keysCommand(kit: CommandKit): Command {
  const keys = group('keys', 'make, list and revoke the keys with which the API is called', [
    'keys create --name billing --role writer --ledger main',
    'keys create --name audit-2027 --role reader --role finance --expires 90d',
    'keys list',
    'keys revoke 3k9x0q2m7fap',
  ]);

  keys
    .command('create')
    .description('make a key and print its token, which cannot be shown again')
    .requiredOption('--name <name>', 'who will use it, as the log will say')
    .addOption(
      new Option('--role <role...>', 'what it may do; each may read too, and admin everything')
        .choices(ROLES)
        .makeOptionMandatory(),
    )
    .option('--ledger <name...>', 'the ledgers it is good for (default: all, those to come included)')
    .option('--expires <when>', 'after some days, as 90d, or at the start of a day, as 2027-01-31')
    .option(...JSON_OPTION)
    .action(async (flags: CreateFlags) => {
      const context = contextOf(kit, flags, 'warn');
      await withHouse(context, async ({ database, calendar, clock }) => {
        const wanted = {
          name: flags.name,
          roles: flags.role,
          ledgers: flags.ledger ?? null,
          expiresAt: flags.expires === undefined ? null : parseExpiry(flags.expires, calendar, clock.now()),
        };
        const { id, token } = await createKey(database.write, wanted, personOf());
        // The token alone, so that a script can take it as it is.
        printResult(context.terminal, { id, token, ...wanted }, () => token);
        note(
          context.terminal,
          `This is key ${id}. Its token is shown only now: keep it where secrets are kept.`,
        );
      });
    });

  keys
    .command('list')
    .description('every key ever made, with what it may do and whether it still does')
    .option(...JSON_OPTION)
    .action(async (options: { json?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async ({ database, clock }) => {
        const now = clock.now();
        printResult(context.terminal, await listKeys(database.write), (listing) => renderKeys(listing, now));
      });
    });

  keys
    .command('revoke')
    .description('take a key back for good; every API process refuses it within ten seconds')
    .argument('<id>', 'as the list shows it')
    .option(...JSON_OPTION)
    .action(async (id: string, options: { json?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async ({ database }) => {
        printResult(
          context.terminal,
          await revokeKey(database.write, id, personOf()),
          ({ revokedAt }) => `Key ${id} is revoked since ${minuteOf(revokedAt)} UTC.`,
        );
      });
    });

  return keys;
}

/** `90d` from now, or the first instant of a local day, or an instant. */
function parseExpiry(text: string, calendar: Calendar, now: Date): Date {
  const days = /^(\d{1,5})d$/.exec(text)?.[1];
  const at = days === undefined ? calendar.parseInstant(text) : new Date(now.getTime() + Number(days) * DAY);
  if (at && at > now) return at;
  const fault = at ? 'is not to come' : 'is neither a number of days nor a date';
  throw new AppError(
    'invalid',
    'bad_option',
    `--expires ${text} ${fault}. Write 90d, or a day as 2027-01-31.`,
  );
}

function renderKeys(keys: readonly KeyListing[], now: Date): string {
  if (keys.length === 0)
    return 'There are no keys yet. `quartermaster keys create --help` shows how one is made.';
  return table(
    ['Id', 'Name', 'Roles', 'Ledgers', 'Created (UTC)', 'State'],
    keys.map((key) => [
      key.id,
      key.name,
      key.roles.join(', '),
      key.ledgers?.join(', ') ?? 'all',
      minuteOf(key.createdAt),
      stateOf(key, now),
    ]),
  );
}

function stateOf({ revokedAt, expiresAt }: KeyListing, now: Date): string {
  if (revokedAt !== null) return `revoked ${minuteOf(revokedAt)}`;
  if (expiresAt === null) return 'good';
  return `${expiresAt <= now ? 'expired' : 'good until'} ${minuteOf(expiresAt)}`;
}

function minuteOf(instant: Date): string {
  return instant.toISOString().slice(0, 16).replace('T', ' ');
}
