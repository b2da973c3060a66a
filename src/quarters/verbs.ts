import type { QuarterNote, QuarterVerb } from '../core/lifecycle.ts';
import { approveQuarter, previewApprove } from './approve.ts';
import { archiveQuarter, previewArchive } from './archive.ts';
import { closeQuarter, previewClose } from './close.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { createQuarter, previewCreate } from './create.ts';
import { detachQuarter, previewDetach } from './detach.ts';
import { dropQuarter, previewDrop } from './drop.ts';
import { holdQuarter, previewHold } from './hold.ts';
import type { Outlook } from './outlook.ts';
import { previewRelease, releaseQuarter } from './release.ts';
import { previewReopen, reopenQuarter } from './reopen.ts';
import { previewRestore, restoreQuarter } from './restore.ts';
import { previewUnhold, unholdQuarter } from './unhold.ts';
import { previewVerify, verifyQuarter } from './verify.ts';

/** A verb as the faces know it. */
export interface QuarterAction {
  /** What it does to a quarter, for people. */
  readonly says: string;
  /** It may take minutes, so that over HTTP a worker does it. */
  readonly isLong: boolean;
  readonly needsReason: boolean;
  run(house: QuarterHouse, run: QuarterRun, quarter: string): Promise<object>;
  /** Changes nothing. */
  preview(house: QuarterHouse, run: QuarterRun, quarter: string): Promise<Outlook>;
}

/** The one list of all that can be done to a quarter, in the order of its life. */
export const quarterActions: Readonly<Record<QuarterVerb | QuarterNote, QuarterAction>> = {
  create: {
    says: "create the quarter's partitions and attach them",
    isLong: false,
    needsReason: false,
    run: createQuarter,
    preview: previewCreate,
  },
  close: {
    says: 'check the quarter, fix its trial balance and let nothing change it any more',
    isLong: true,
    needsReason: false,
    run: closeQuarter,
    preview: previewClose,
  },
  reopen: {
    says: 'let a closed quarter take rows again; later closed ones have to be closed anew',
    isLong: false,
    needsReason: true,
    run: reopenQuarter,
    preview: previewReopen,
  },
  approve: {
    says: 'let an archive or a drop go on that somebody else has asked for',
    isLong: false,
    needsReason: false,
    run: approveQuarter,
    preview: previewApprove,
  },
  archive: {
    says: 'write the quarter to Parquet, read it back and compare',
    isLong: true,
    needsReason: false,
    run: archiveQuarter,
    preview: previewArchive,
  },
  verify: {
    says: 'read the archive again and compare it with what was closed',
    isLong: true,
    needsReason: false,
    run: verifyQuarter,
    preview: previewVerify,
  },
  detach: {
    says: 'take the archived quarter out of the ledger; its tables stay',
    isLong: true,
    needsReason: false,
    run: detachQuarter,
    preview: previewDetach,
  },
  drop: {
    says: 'read the archive once more and drop the tables of a detached quarter',
    isLong: true,
    needsReason: true,
    run: dropQuarter,
    preview: previewDrop,
  },
  restore: {
    says: 'bring an archived quarter back, read-only and for a time',
    isLong: true,
    needsReason: true,
    run: restoreQuarter,
    preview: previewRestore,
  },
  release: {
    says: 'take a restored quarter out again',
    isLong: true,
    needsReason: false,
    run: releaseQuarter,
    preview: previewRelease,
  },
  hold: {
    says: 'let nothing take the quarter out',
    isLong: false,
    needsReason: true,
    run: holdQuarter,
    preview: previewHold,
  },
  unhold: {
    says: 'let a held quarter go on',
    isLong: false,
    needsReason: false,
    run: unholdQuarter,
    preview: previewUnhold,
  },
};
