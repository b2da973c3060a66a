import { verifyChain } from '../archive/chain.ts';
import { isAppError } from '../core/errors.ts';
import { DAY } from '../core/timestamp.ts';
import { throwIfAborted } from '../platform/retry.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { isDamage } from './proof.ts';
import { verifyQuarter } from './verify.ts';

/** What the schedule needs to know of an archive. */
export interface AgingArchive {
  readonly quarter: string;
  readonly bytes: bigint;
  /** null when it was never verified, or found damaged when it was. */
  readonly verifiedAt: Date | null;
}

export interface FixityReport {
  readonly verified: readonly string[];
  readonly damaged: readonly { readonly quarter: string; readonly code: string; readonly detail: string }[];
  /** How many archives were not due. */
  readonly remaining: number;
  /** Of the archives that are sound, when the one was verified that has waited longest. */
  readonly oldestVerifiedAt: Date | null;
  /** What is wrong with the chain of the archives; null when nothing is. */
  readonly chain: { readonly code: string; readonly detail: string } | null;
}

/** Runs come a day apart, give or take what the one before took longer. */
const NEXT_RUN = 1.25 * DAY;

/**
 * The archives that are due, the most urgent first: those that were never verified or found damaged, those that would
 * be older than `days` before the next run, and of the others the oldest, until a day's share of all bytes is read. So
 * every one is read within the days, and each day about as much as the day before. Whatever was verified in the last day
 * counts to its share: a run that is repeated does nothing more.
 */
export function dueForFixity(archives: readonly AgingArchive[], now: Date, days: number): string[] {
  const age = ({ verifiedAt }: AgingArchive) =>
    verifiedAt === null ? Number.POSITIVE_INFINITY : now.getTime() - verifiedAt.getTime();
  const oldestFirst = [...archives].sort((a, b) => {
    const [x, y] = [age(a), age(b)];
    return x === y ? (a.quarter < b.quarter ? -1 : 1) : y - x;
  });
  let share = archives.reduce((sum, { bytes }) => sum + bytes, 0n) / BigInt(days) + 1n;
  for (const archive of archives) if (age(archive) < DAY / 2) share -= archive.bytes;
  const due: string[] = [];
  for (const archive of oldestFirst) {
    const urgent = age(archive) + NEXT_RUN > days * DAY;
    // What was read today is as fresh as it can be, even where a day is all there is.
    if (age(archive) < DAY / 2 || (!urgent && share <= 0n)) continue;
    due.push(archive.quarter);
    share -= archive.bytes;
  }
  return due;
}

/**
 * Reads the archives again that are due, and follows the chain of all. One that is damaged does not keep the others
 * from being read, and is read again by every run until it is sound.
 *
 * @throws AppError unavailable/store_failed when the store is away, which proves nothing of any archive
 */
export async function checkFixity(house: QuarterHouse, run: QuarterRun, days: number): Promise<FixityReport> {
  const archives = await readAging(house);
  const due = dueForFixity(archives, house.clock.now(), days);
  const verified: string[] = [];
  const damaged: FixityReport['damaged'][number][] = [];
  for (const quarter of due) {
    throwIfAborted(run.signal);
    run.onProgress?.({ what: 'archives', done: verified.length + damaged.length, total: due.length });
    try {
      await verifyQuarter(house, { ...run, onProgress: undefined }, quarter);
      verified.push(quarter);
    } catch (error) {
      if (!isAppError(error, 'corrupt') && !isDamage(error)) throw error;
      damaged.push({ quarter, code: error.code, detail: error.detail });
    }
  }
  const ages = (await readAging(house)).flatMap(({ verifiedAt }) => verifiedAt?.getTime() ?? []);
  return {
    verified,
    damaged,
    remaining: archives.length - due.length,
    oldestVerifiedAt: ages.length === 0 ? null : new Date(Math.min(...ages)),
    chain: await findChainFault(house, run, archives),
  };
}

/** The archives that the database knows of; what a killed run may have left in the store is not among them. */
async function readAging({ database }: QuarterHouse): Promise<AgingArchive[]> {
  return database.direct
    .selectFrom('quartermaster.archives')
    .select(['quarter', 'bytes', 'verified_at as verifiedAt'])
    .orderBy('quarter')
    .execute();
}

async function findChainFault(
  { store, ledgerSet }: QuarterHouse,
  { signal }: QuarterRun,
  archives: readonly AgingArchive[],
): Promise<FixityReport['chain']> {
  try {
    await verifyChain(store, ledgerSet, { quarters: archives.map(({ quarter }) => quarter), signal });
    return null;
  } catch (error) {
    if (!isAppError(error, 'corrupt')) throw error;
    return { code: error.code, detail: error.detail };
  }
}
