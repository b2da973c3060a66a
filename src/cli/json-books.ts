import { Type } from 'typebox';
import { ROLES } from '../core/access.ts';
import {
  check,
  count,
  digits,
  document,
  figure,
  flag,
  instant,
  list,
  maybe,
  oneOf,
  open,
  optional,
  quarter,
  text,
  texts,
} from './json-parts.ts';

/** Documents of what is loaded, asked, archived and reported. */

export const loadJson = document({
  ledger: text('where it was loaded'),
  id: text('the name of the load; another than asked for when the same content was loaded under that one'),
  alreadyLoaded: flag('it was loaded before, and nothing was done now'),
  resumedAt: count('records that earlier runs had dealt with'),
  records: count('that were read'),
  booked: count('transactions'),
  rejected: count('records'),
  accountsCreated: count('accounts'),
});

const cells = Type.Array(
  Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
  { description: 'a list for each row; a number that JSON cannot hold exactly is a string' },
);

export const queryJson = document({
  columns: list(document({ name: text('of the column'), type: text("by PostgreSQL's name") }), 'in order'),
  rows: cells,
  truncated: flag('there are more rows than were asked for'),
  server: optional(text('which one answered; not of archives')),
  cost: optional(figure('as the planner estimated it; not of archives')),
  quarters: optional(texts('of archives: those that were read')),
});

const verification = {
  quarter,
  location: text('where it is'),
  manifestSha256: text('of its manifest'),
  previousManifestSha256: maybe(text('of the manifest before it')),
  digest: text('of its content'),
  files: count('in it'),
  rows: count('in it'),
  bytes: count('of its files'),
  checks: list(check, 'what was looked at'),
};

export const archiveVerifyJson = Type.Union([
  document(verification, 'of one archive'),
  document(
    {
      archives: list(
        document({
          folder: text('where it is'),
          ok: flag('nothing is wrong with it'),
          archive: optional(document(verification)),
          fault: optional(text('why not even its manifest could be read')),
        }),
        'each that was found',
      ),
      chains: list(
        document({
          folder: text('where it is'),
          ok: flag('nothing is wrong with it'),
          quarters: optional(texts('in the order in which they were archived')),
          head: optional(maybe(text('the SHA-256 of the last manifest'))),
          fault: optional(text('what is wrong')),
        }),
        'one for each folder with archives',
      ),
    },
    'of a folder with archives',
  ),
]);

const key = {
  id: text('of the key'),
  name: text('who uses it'),
  roles: list(oneOf(ROLES, 'what it may do'), 'what it may do'),
  ledgers: maybe(texts('the ledgers it is good for; null: all')),
  expiresAt: maybe(instant('when it ends')),
};

export const keyCreateJson = document({ ...key, token: text('what opens the API; shown only now') });
export const keyListJson = list(
  document({
    ...key,
    createdAt: instant('when it was made'),
    revokedAt: maybe(instant('when it was revoked')),
  }),
  'every key ever made',
);
export const keyRevokeJson = document({ id: key.id, revokedAt: instant('since when it is revoked') });

export const reportsListJson = document({
  views: list(
    document({
      name: text('as reports.monthly'),
      description: text('what it shows'),
      exact: flag('false: it shows what was true when it was last refreshed'),
      refreshedAt: maybe(instant('when that was')),
      age: maybe(figure('seconds since then')),
    }),
    'for finance and BI tools',
  ),
  readers: texts('roles that were given access'),
  daysOutstanding: digits('that are not summed up yet'),
});

export const reportsAccessJson = document({
  role: text('of PostgreSQL'),
  views: texts('that it is about'),
  canConnect: flag('PostgreSQL lets it into this database'),
  canRead: flag('it can read the views now, by whatever right'),
});

export const summariesShowJson = document({
  refreshed: Type.Union(
    [document({ at: instant('when the last run ended'), seconds: figure('how long it took') }), Type.Null()],
    { description: 'the last run that succeeded; or null' },
  ),
  ledgers: list(
    document({
      ledger: text('its name'),
      days: count('on which something was posted since they were summed up'),
      summedUpBefore: maybe(text('a day: everything before it is summed up; null: everything is')),
      since: maybe(instant('when the first posting was made that is not summed up')),
      seconds: figure('since then'),
    }),
    'by name',
  ),
});

export const summariesReconcileJson = document({
  remarkedDays: count('marked to be counted again'),
  checkedDays: count('days of a ledger that were held against the rows'),
  markedDays: count('days that are not summed up yet'),
  differences: count('rows that are missing, other or too much'),
  differingDays: count('days that have such'),
  repairedDays: count('that this run repaired'),
  remainingDays: count('that are as they were'),
  skipped: texts('quarters that left while it ran'),
  differing: list(open('a difference, with its numbers'), 'the first hundred'),
  failed: list(
    document({ ledgerId: count('of the ledger'), day: text('as 2026-03-31'), detail: text('why') }),
    'days that could not be counted',
  ),
});

export const demoJson = document({
  quarters: list(
    document({
      name: quarter,
      state: text('where it is in its life'),
      transactions: digits('how many it holds'),
      entries: digits('how many it holds'),
      online_bytes: digits('in the database'),
      archived_bytes: digits('in the store'),
      digest: maybe(text('of its content')),
    }),
    'oldest first',
  ),
  ledgers: list(
    document({
      name: text('of the ledger'),
      currencies: list(
        document({
          currency: text('ISO 4217'),
          transactions: digits('booked and refused'),
          debits: digits('in minor units'),
          credits: digits('in minor units'),
          imbalance: digits('credits - debits: 0 in books that are right'),
        }),
        'the trial balance',
      ),
    }),
    'by name',
  ),
  seconds: figure('that it took'),
});
