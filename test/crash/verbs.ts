import { requestApproval } from '../../src/quarters/approvals.ts';
import { approveQuarter } from '../../src/quarters/approve.ts';
import { archiveQuarter } from '../../src/quarters/archive.ts';
import { closeQuarter } from '../../src/quarters/close.ts';
import type { QuarterHouse, QuarterRun } from '../../src/quarters/context.ts';
import { createQuarter } from '../../src/quarters/create.ts';
import { detachQuarter } from '../../src/quarters/detach.ts';
import { dropQuarter } from '../../src/quarters/drop.ts';
import { holdQuarter } from '../../src/quarters/hold.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { readQuarter } from '../../src/quarters/registry.ts';
import { releaseQuarter } from '../../src/quarters/release.ts';
import { reopenQuarter } from '../../src/quarters/reopen.ts';
import { restoreQuarter } from '../../src/quarters/restore.ts';
import { unholdQuarter } from '../../src/quarters/unhold.ts';
import { verifyQuarter } from '../../src/quarters/verify.ts';
import { interruptDetach } from './interrupt.ts';

/** The quarter that the verbs are tried on. It and the one after it hold rows. */
export const QUARTER = '2025q1';
export const NEXT = '2025q2';
const MISSING = '2024q4';
const SIDE = 'audit';

type Act = (house: QuarterHouse, run: QuarterRun) => Promise<unknown>;

/** Where a verb starts from: what is done to which other start, from the booked and open quarters on. */
export interface Start {
  readonly from: string | undefined;
  readonly prepare: Act;
}

/** A verb that is killed at all its steps. */
export interface CrashCase {
  /** A row of the table in docs/reliability.md. */
  readonly name: string;
  readonly start: keyof typeof starts;
  readonly run: Act;
  /** Each run is a deed of its own, with an event of its own: one more of them is right. */
  readonly repeats?: boolean;
}

const reason = 'a trial';
const of =
  (
    verb: (house: QuarterHouse, run: QuarterRun, quarter: string) => Promise<unknown>,
    quarter = QUARTER,
  ): Act =>
  (house, run) =>
    verb(house, { ...run, reason }, quarter);
const into: Act = (house, run) => restoreQuarter(house, { ...run, reason, into: SIDE }, QUARTER);

export const starts = {
  open: { from: undefined, prepare: async () => {} },
  closed: {
    from: 'open',
    prepare: async (house, run) => {
      await closeQuarter(house, run, QUARTER);
      await closeQuarter(house, run, NEXT);
    },
  },
  reopened: { from: 'closed', prepare: of(reopenQuarter) },
  asked: {
    from: 'closed',
    prepare: async (house, run) =>
      requestApproval(house, run, await readQuarter(house.database.direct, QUARTER), 'archive'),
  },
  held: { from: 'closed', prepare: of(holdQuarter) },
  // The archive of the other quarter comes first, so that this one's follows another in the chain.
  archived: {
    from: 'closed',
    prepare: async (house, run) => {
      await archiveQuarter(house, run, NEXT);
      await archiveQuarter(house, run, QUARTER);
    },
  },
  detaching: { from: 'archived', prepare: interruptDetach('transactions', QUARTER) },
  detached: { from: 'archived', prepare: of(detachQuarter) },
  // Every table has left, and the state row does not know.
  lagging: {
    from: 'archived',
    prepare: (house, run) =>
      detachQuarter(
        house,
        {
          ...run,
          step: (name) => {
            if (name === 'detach.recorded') throw new Error('no further');
          },
        },
        QUARTER,
      ).catch((error: Error) => {
        if (error.message !== 'no further') throw error;
      }),
  },
  dropped: { from: 'detached', prepare: of(dropQuarter) },
  restored: { from: 'dropped', prepare: of(restoreQuarter) },
  copied: { from: 'dropped', prepare: into },
} as const satisfies Record<string, Start>;

/** The one list: a verb that is added here is killed at every step it names, and gets its rows in the table. */
export const cases: readonly CrashCase[] = [
  { name: 'create', start: 'open', run: of(createQuarter, MISSING) },
  { name: 'close', start: 'open', run: of(closeQuarter) },
  { name: 'reopen', start: 'closed', run: of(reopenQuarter) },
  { name: 'close again', start: 'reopened', run: of(closeQuarter) },
  { name: 'hold', start: 'closed', run: of(holdQuarter) },
  { name: 'unhold', start: 'held', run: of(unholdQuarter) },
  {
    name: 'approve',
    start: 'asked',
    run: (house, run) => approveQuarter(house, { ...run, actor: 'bob' }, QUARTER),
  },
  { name: 'archive', start: 'closed', run: of(archiveQuarter) },
  { name: 'verify', start: 'archived', run: of(verifyQuarter), repeats: true },
  { name: 'detach', start: 'archived', run: of(detachQuarter) },
  { name: 'detach of a pending one', start: 'detaching', run: of(detachQuarter) },
  { name: 'reconcile of a pending detach', start: 'detaching', run: reconcile },
  { name: 'reconcile of a lagging state', start: 'lagging', run: reconcile },
  { name: 'drop', start: 'detached', run: of(dropQuarter) },
  { name: 'restore of a detached quarter', start: 'detached', run: of(restoreQuarter) },
  { name: 'restore of a dropped quarter', start: 'dropped', run: of(restoreQuarter) },
  { name: 'restore into a schema', start: 'dropped', run: into },
  { name: 'release', start: 'restored', run: of(releaseQuarter) },
  {
    name: 'release of a schema',
    start: 'copied',
    run: (house, run) => releaseQuarter(house, { ...run, reason, into: SIDE }, QUARTER),
  },
];
