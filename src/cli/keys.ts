import { Option } from 'commander';
import { ROLES, type Role } from '../core/access.ts';
import { WHEN_FORMS } from '../core/when.ts';
import { createKey, type KeyListing, listKeys, revokeKey } from '../ledger/keys.ts';
import { type CliCommand, type CommandKit, command, contextOf, group, withHouse } from './command.ts';
import { requireConfirmed } from './confirm.ts';
import { keyCreateJson, keyListJson, keyRevokeJson } from './json-books.ts';
import { type LocalTime, localTime } from './local-time.ts';
import { paint } from './paint.ts';
import { personOf } from './person.ts';
import { table } from './table.ts';
import { note, printable, printResult } from './terminal.ts';
import { readWhen } from './when.ts';

interface CreateFlags {
  json?: boolean;
  name: string;
  role: Role[];
  ledger?: string[];
  expires?: string;
}

/** `quartermaster keys create|list|revoke` */
export function keysCommand(kit: CommandKit): CliCommand {
  const keys = group('keys', 'make, list and revoke the keys with which the API is called', [
    'keys create --name billing --role writer --ledger main',
    'keys create --name audit-2027 --role reader --role finance --expires 90d',
    'keys list',
    'keys revoke 3k9x0q2m7fap',
  ]);
  return keys.addCommand(createCommand(kit)).addCommand(listCommand(kit)).addCommand(revokeCommand(kit));
}

function createCommand(kit: CommandKit): CliCommand {
  return command('create', 'make a key and print its token, which cannot be shown again', [
    'keys create --name billing --role writer --ledger main',
    'keys create --name auditor --role reader --expires "end of quarter"',
    'keys create --name audit-2027 --role reader --role finance --expires 90d --json',
  ])
    .requiredOption('--name <name>', 'who will use it, as the log will say')
    .addOption(
      new Option('--role <role...>', 'what it may do; each may read too, and admin everything')
        .choices(ROLES)
        .makeOptionMandatory(),
    )
    .option('--ledger <name...>', 'the ledgers it is good for (default: all, those to come included)')
    .option(
      '--expires <when>',
      `when it ends: 90d, or as ${WHEN_FORMS}; of a day the start is meant (default: never)`,
    )
    .prints(keyCreateJson)
    .action(async (flags: CreateFlags) => {
      const context = contextOf(kit, flags, 'warn');
      await withHouse(context, async ({ database, calendar, clock }) => {
        const wanted = {
          name: flags.name,
          roles: flags.role,
          ledgers: flags.ledger ?? null,
          expiresAt:
            flags.expires === undefined
              ? null
              : readWhen(context.terminal, { calendar, clock }, '--expires', flags.expires, 'start'),
        };
        const { id, token } = await createKey(database.write, wanted, personOf());
        // The token alone, so that a script can take it as it is.
        printResult(context.terminal, { id, token, ...wanted }, () => token);
        if (context.terminal.json) return;
        note(
          context.terminal,
          `This is key ${id}. Its token is shown only now: keep it where secrets are kept.`,
        );
      });
    });
}

function listCommand(kit: CommandKit): CliCommand {
  return command('list', 'every key ever made, with what it may do and whether it still does', [
    'keys list',
    'keys list --json',
  ])
    .prints(keyListJson)
    .action(async (options: { json?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async ({ database, clock, calendar }) => {
        const setting = { now: clock.now(), time: localTime(calendar.zone) };
        printResult(context.terminal, await listKeys(database.write), (listing, width) =>
          renderKeys(listing, { ...setting, width }),
        );
      });
    });
}

function revokeCommand(kit: CommandKit): CliCommand {
  return command('revoke', 'take a key back for good; every API process refuses it within ten seconds', [
    'keys revoke 3k9x0q2m7fap',
    'keys revoke 3k9x0q2m7fap --yes --json',
  ])
    .argument('<id>', 'as the list shows it')
    .option('--yes', 'that it is meant, without being asked')
    .prints(keyRevokeJson)
    .action(async (id: string, options: { json?: boolean; yes?: boolean }) => {
      const context = contextOf(kit, options, 'warn');
      await withHouse(context, async ({ database, calendar }) => {
        const found = (await listKeys(database.write)).find((key) => key.id === id);
        // Of one that is not there nobody is asked: the revoke says so itself, and does not repeat a token given for an id.
        if (found !== undefined && found.revokedAt === null) {
          await requireConfirmed(kit, context.terminal, options, {
            loses: [
              `Whoever uses the key ${found.id} of ${printable(found.name)} is refused from now on. A new one has another token.`,
            ],
            type: 'yes',
            otherwise: 'Add --yes to do it.',
          });
        }
        const { minute, zone } = localTime(calendar.zone);
        printResult(
          context.terminal,
          await revokeKey(database.write, id, personOf()),
          ({ revokedAt }) => `Key ${id} is revoked since ${minute(revokedAt)} (${zone}).`,
        );
      });
    });
}

interface Setting {
  readonly now: Date;
  readonly time: LocalTime;
  readonly width: number;
}

function renderKeys(keys: readonly KeyListing[], { now, time, width }: Setting): string {
  if (keys.length === 0)
    return 'There are no keys yet. `quartermaster keys create --help` shows how one is made.';
  const created = `Created (${time.zone})`;
  return table(
    ['Id', 'Name', 'Roles', 'Ledgers', created, 'State'],
    keys.map((key) => [
      key.id,
      printable(key.name),
      key.roles.join(', '),
      printable(key.ledgers?.join(', ') ?? 'all'),
      time.minute(key.createdAt),
      stateOf(key, now, time),
    ]),
    [],
    { width, drop: [created], shorten: ['Ledgers', 'Name', 'Roles'], stack: true },
  );
}

function stateOf({ revokedAt, expiresAt }: KeyListing, now: Date, { minute }: LocalTime): string {
  if (revokedAt !== null) return paint('faint', `× revoked ${minute(revokedAt)}`);
  if (expiresAt === null) return paint('good', '✓ good');
  return expiresAt <= now
    ? paint('attention', `× expired ${minute(expiresAt)}`)
    : paint('good', `✓ good until ${minute(expiresAt)}`);
}
