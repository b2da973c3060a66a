import { type TSchema, Type } from 'typebox';
import { quarterStates } from '../core/lifecycle.ts';
import type { quarterActions } from '../quarters/verbs.ts';
import {
  check,
  digits,
  document,
  flag,
  instant,
  list,
  maybe,
  oneOf,
  oneOrSeveral,
  optional,
  quarter,
  text,
  texts,
} from './json-parts.ts';

const outlook = document(
  {
    quarter,
    done: flag('it was done before: asking for it changes nothing'),
    obstacles: list(
      document({
        code: text('as the error has it'),
        kind: optional(text('who can mend it; refused when it is left out')),
        detail: text('what is in the way, and what to do about it'),
      }),
      'what stands in its way',
    ),
    steps: texts('what it does, in order, a sentence each'),
  },
  'of a --dry-run',
);

const checks = list(check, 'what was checked');

const reports = {
  create: {
    state: oneOf(quarterStates, 'where it is now'),
    created: texts('the quarters that were created'),
  },
  close: {
    closed: flag('false when it was closed already'),
    transactions: digits('how many it holds'),
    entries: digits('how many it holds'),
    digest: text('of its content'),
    checks,
    accounts: optional(digits('that moved')),
  },
  reopen: {
    reopened: flag('false when it was open already'),
    stale: texts('later quarters whose close does not count any more'),
  },
  approve: {
    approved: list(
      document({ verb: oneOf(['archive', 'drop'], 'what may go on'), requestedBy: text('who asked for it') }),
      'what may go on now',
    ),
  },
  archive: {
    archived: flag('false when it was archived already'),
    location: text('where the archive is'),
    manifestSha256: text('of its manifest'),
    digest: text('of its content'),
    rows: digits('in it'),
    bytes: digits('of its files'),
  },
  verify: {
    location: text('where the archive is'),
    digest: text('of its content'),
    rows: digits('in it'),
    bytes: digits('of its files'),
    checks,
  },
  detach: { detached: texts('tables that this run took out') },
  drop: {
    dropped: texts('tables that this run dropped'),
    missing: texts('tables that were gone before'),
    digest: optional(text('of the rows, as the archive and the tables both had them')),
  },
  restore: {
    restored: flag('false when it was restored already'),
    extended: flag('it was restored already, and is so for longer now'),
    into: optional(text('the schema of the copy')),
    until: optional(instant('until when')),
    loaded: texts('tables whose rows came from the archive'),
    digest: optional(text('of the rows, as PostgreSQL counted them')),
  },
  release: {
    into: optional(text('the schema of the copy')),
    released: texts('tables that this run took out, or dropped of a copy'),
  },
  hold: {
    holdReason: maybe(text('why it is held')),
    changed: flag('false when it was so already'),
  },
  unhold: {
    holdReason: maybe(text('why it is held')),
    changed: flag('false when it was so already'),
  },
} as const satisfies Record<keyof typeof quarterActions, Record<string, TSchema>>;

/** What a verb tells: of each quarter its report, or with --dry-run its outlook. */
export function verbJson(verb: keyof typeof quarterActions): TSchema {
  return oneOrSeveral(Type.Union([document({ quarter, ...reports[verb] }), outlook]));
}
