import { Type } from 'typebox';
import {
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

/** Documents of what sees to the house: migrations, partitions, indexes, jobs, the doctor. */

export const migrateUpJson = document({
  ran: texts('migrations that this run brought, in order'),
  granted: optional(texts('what changed of the rights of the roles')),
});
export const migrateDownJson = document({ ran: texts('migrations that were taken back') });
export const migrateStatusJson = document({
  applied: texts('migrations that have run'),
  pending: texts('those that are missing'),
  unknown: texts('those that this version does not know'),
  oldestCode: maybe(text('the last migration that a version has to know to live with this schema')),
  compatible: flag('this version can work with the schema'),
});

export const reconcileJson = document({
  horizon: instant('until then every row has an open quarter to go to'),
  quartersAhead: count('whole quarters after the current one that take rows already'),
  created: texts('quarters that were created or completed'),
  finalized: texts('partitions whose interrupted detach was brought to its end'),
  repaired: texts('quarters whose state row lagged behind the catalog'),
  fixed: list(
    document({
      code: text('what it was'),
      quarter: text('whose'),
      relation: text('which table'),
      did: texts('the statements'),
    }),
    'differences that were mended',
  ),
  drift: list(open('code and detail, and what else is known of it'), 'what needs a person'),
  failed: list(
    document({ what: text('was tried'), code: text('as an error has it'), detail: text('why') }),
    'what was tried and failed',
  ),
});

export const indexBuildJson = Type.Union([
  list(
    document({
      index: text('its name'),
      table: text('on which it is'),
      wasThere: flag('there was nothing to do'),
      built: texts('indexes of partitions that were built'),
      attached: texts('that were there, and were attached'),
      dropped: texts('leftovers of a build that was killed'),
    }),
    'one for each index of the file',
  ),
  document({ statements: texts('that would be sent') }, 'of a --dry-run'),
]);

const audit = document({
  findings: list(
    document({
      kind: text('as bloated'),
      index: text('its name'),
      table: text('on which it is'),
      detail: text('what is wrong, in a sentence'),
      mend: maybe(text('SQL or a command that would mend it')),
      bytes: digits('that would be freed'),
      queries: texts('statements of sql/queries that suffer'),
    }),
    'what is wrong',
  ),
  indexes: count('that were looked at'),
  bytes: digits('that they take'),
  freed: digits('that the statements would free'),
  countedSince: optional(instant('since when scans are counted')),
  countedDays: optional(figure('days since then')),
  tooEarly: texts('indexes of which it is too early to say that they are unused'),
  bloatBy: text('how bloat was found'),
  bloatUnknown: texts('indexes whose bloat is not known'),
});

export const indexAuditJson = Type.Union([
  audit,
  document(
    {
      audit,
      applied: document({
        dropped: texts('leftovers of a run that was killed'),
        kept: list(document({ index: text('its name'), detail: text('why') }), 'leftovers that stayed'),
        indexes: list(
          document({
            index: text('its name'),
            why: oneOf(['bloated', 'invalid'], 'why it was built anew'),
            outcome: oneOf(['rebuilt', 'failed', 'stopped'], 'what became of it'),
            before: digits('its bytes before'),
            after: digits('its bytes after'),
            seconds: figure('that it took'),
            detail: optional(text('why it failed')),
          }),
          'that were built anew',
        ),
        left: texts('for which there was no time'),
        freed: digits('bytes'),
      }),
    },
    'with --apply',
  ),
]);

/** Each job has a report of its own. */
export const runJson = open('the report of the job; of a verb of a quarter that of its command');

export const eventsJson = document({
  events: list(
    document({
      id: text('of the event'),
      at: instant('when'),
      quarter: maybe(quarter),
      event: text('what was done'),
      actor: text('who did it'),
      reason: maybe(text('why')),
      detail: open('what else is kept of it'),
    }),
    'the newest first',
  ),
  next: optional(text('for --cursor: where the next page begins; not there on the last')),
});

export const completionJson = document({
  shell: oneOf(['bash', 'zsh', 'fish'], 'whose script it is'),
  script: text('to be read by it'),
});
