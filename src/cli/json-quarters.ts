import { Type } from 'typebox';
import { quarterStates } from '../core/lifecycle.ts';
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
  oneOrSeveral,
  open,
  optional,
  quarter,
  text,
  texts,
} from './json-parts.ts';

const approved = oneOf(['archive', 'drop'], 'what takes two people');

const next = document({
  verb: text('what is done next by itself'),
  at: instant('from when on'),
  withheld: optional(text('why it is not done by itself though its time has come, as held')),
});

const listing = {
  name: quarter,
  state: oneOf(quarterStates, 'where it is in its life'),
  start: instant('its first instant'),
  end: instant('the first instant after it'),
  attached: flag('all its partitions are part of the ledger'),
  transactions: digits('how many it holds'),
  entries: digits('how many it holds'),
  exact: flag('false while the counts are estimates'),
  onlineBytes: digits('in the database, indexes included'),
  archivedBytes: digits('in the store'),
  archivedRows: digits('in the store'),
  digest: maybe(text('of its content, fixed when it was closed')),
  holdReason: maybe(text('why nothing may take it out')),
  staleReason: maybe(text('why it has to be closed again')),
  restoredUntil: maybe(instant('until when it is restored')),
  awaiting: list(approved, 'what somebody has asked for and somebody else has to approve'),
  verifiedAt: maybe(instant('when its archive was last read and found right')),
  frozenAt: maybe(instant('when its tables were frozen')),
  manifestSha256: maybe(text('of the manifest of its archive')),
  previousManifestSha256: maybe(text('of the manifest before it in the chain')),
  next: Type.Union([next, Type.Null()], { description: 'what comes next by itself; or null' }),
};

export const listJson = list(document(listing), 'every quarter, oldest first');

const job = document(
  {
    id: text('of the job'),
    quarter,
    verb: text('what was asked for'),
    actor: text('who asked for it'),
    reason: maybe(text('why')),
    until: maybe(instant('until when, of a restore')),
    into: maybe(text('the schema of its own, of a restore or a release')),
    state: oneOf(['waiting', 'running', 'done', 'failed'], 'how far it is'),
    progress: Type.Union(
      [
        document({
          what: text('what is done'),
          done: count('so far'),
          total: optional(count('of so many')),
          bytes: optional(count('written so far')),
        }),
        Type.Null(),
      ],
      { description: 'how far it is; or null' },
    ),
    report: Type.Union([open('what it did, as the command tells it'), Type.Null()], {
      description: 'what it did, when it is done; or null',
    }),
    error: Type.Union([open('kind, code and detail of its last failure'), Type.Null()], {
      description: 'kind, code and detail of its last failure; or null',
    }),
    requestedAt: instant('when it was asked for'),
    startedAt: maybe(instant('when a worker began')),
    updatedAt: instant('when that was last told'),
    finishedAt: maybe(instant('when it ended')),
  },
  'a job of a worker',
);

const detail = document({
  ...listing,
  closedAt: maybe(instant('when it was closed')),
  reopenedAt: maybe(instant('when it was last reopened')),
  archivedAt: maybe(instant('when it was archived')),
  detachedAt: maybe(instant('when it was taken out')),
  droppedAt: maybe(instant('when its tables were dropped')),
  restoredAt: maybe(instant('when it was last restored, kept after its release')),
  checks: Type.Union(
    [document({ at: instant('when that was'), items: list(check, 'what became of each') }), Type.Null()],
    { description: 'what the last close that was tried has checked; or null' },
  ),
  approvals: list(
    document({
      verb: approved,
      requestedBy: text('who asked for it'),
      requestedAt: instant('when'),
      reason: maybe(text('why')),
      approvedBy: maybe(text('who agreed')),
      approvedAt: maybe(instant('when')),
    }),
    'who asked for an archive or a drop of it as it is now, and who agreed',
  ),
  copies: list(
    document({
      schema: text('where it is'),
      reason: text('why'),
      restoredBy: text('who'),
      restoredAt: instant('since when'),
      expiresAt: instant('until when'),
    }),
    'copies of it in schemas of their own',
  ),
  location: optional(text('where its archive is')),
  writtenAt: maybe(instant('when the manifest of its archive was written')),
  events: list(
    document({
      at: instant('when'),
      event: text('what was done'),
      actor: text('who did it'),
      reason: maybe(text('why')),
      detail: open('what else is kept of it'),
    }),
    'its story, the oldest first: the last thousand events',
  ),
  files: list(
    document({
      path: text('in the archive'),
      table: text('whose rows it holds'),
      rows: digits('in it'),
      bytes: digits('its size'),
      sha256: text('of the file'),
    }),
    'of its archive',
  ),
  jobs: list(job, 'what workers were asked to do to it, the newest first'),
});

export const showJson = oneOrSeveral(detail);

export const watchJson = document(
  {
    at: instant('when it was seen'),
    quarter,
    what: oneOf(['quarter', 'job'], 'what is told of'),
    state: text('its state now'),
    before: maybe(text('the state before; null when it is told of for the first time')),
    marks: optional(texts('of a quarter: what is to be known besides, as held')),
    next: optional(Type.Union([next, Type.Null()], { description: 'of a quarter; or null' })),
    verb: optional(text('of a job')),
    actor: optional(text('of a job: who asked for it')),
    progress: optional(Type.Union([open('what, done and total'), Type.Null()], { description: 'of a job' })),
    left: optional(maybe(figure('of a running job: seconds that are left, going by its pace'))),
    error: optional(Type.Union([open('kind, code and detail'), Type.Null()], { description: 'of a job' })),
  },
  'a line for each thing as it is at first, and for each that changes: NDJSON',
);

const total = document({
  ledger: text('its name'),
  currency: text('ISO 4217'),
  exponent: count('how many decimals the currency has'),
  accounts: digits('that are in it'),
  opening: digits('in minor units, as are the others'),
  debits: digits('sum'),
  credits: digits('sum'),
  closing: digits('opening + credits - debits'),
});

export const trialBalanceJson = oneOrSeveral(
  document({ quarter, totals: list(total, 'by ledger and currency') }),
);
