import type { QuarterListing } from '../quarters/list.ts';
import type { QuarterJob } from '../queue/quarter-jobs.ts';
import type { NextVerb } from './house.ts';
import type { LocalTime } from './local-time.ts';
import { formatCount, printable } from './terminal.ts';

/** A quarter with what comes next for it by itself; null where nothing does. */
export type QuarterOutline = QuarterListing & { readonly next: NextVerb | null };

/** Why a step is not done by itself though its time has come: as a word or two, and as the end of a sentence. */
const withholdings: Readonly<Record<string, readonly [short: string, long: string]>> = {
  earlier_open: ['an earlier one is open', 'an earlier quarter has to be closed first'],
  held: ['held', 'it is held'],
  was_restored: ['was restored', 'it was restored once, so that a person has to want it'],
  switched_off: ['switched off', 'the schedule for it is switched off'],
  approval_required: ['two people', 'two people have to want it'],
};

export function whyNot(withheld: string): string {
  return withholdings[withheld]?.[1] ?? withheld;
}

/** `archive 2027-01-01`, `close now`, `drop 2026-12-26, held`. */
export function nextInShort({ verb, at, withheld }: NextVerb, now: Date, time: LocalTime): string {
  const when = at <= now ? 'now' : time.day(at);
  const why = withheld === undefined ? '' : `, ${withholdings[withheld]?.[0] ?? withheld}`;
  return `${verb} ${when}${why}`;
}

/** The same as a sentence. */
export function nextInFull({ verb, at, withheld }: NextVerb, time: LocalTime): string {
  const when = `${verb} by itself from ${time.minute(at)} on`;
  return withheld === undefined ? when : `${when}, but ${whyNot(withheld)}`;
}

/** What is to be known of a quarter besides its state. */
export function marksOf(quarter: QuarterListing, now: Date): string[] {
  const { state, start, end, holdReason, staleReason, awaiting } = quarter;
  const isOpen = state === 'open' || state === 'planned';
  return [
    isOpen && start <= now && now < end ? 'now' : '',
    isOpen && start > now ? 'ahead' : '',
    holdReason === null ? '' : 'held',
    staleReason === null ? '' : 'stale',
    ...awaiting.map((verb) => `${verb} waits`),
  ].filter((mark) => mark !== '');
}

/** What is done stands in the story, and a failure is past when the same was done since. */
export function isNews(
  { state, verb, updatedAt }: Pick<QuarterJob, 'state' | 'verb' | 'updatedAt'>,
  events: readonly { readonly event: string; readonly at: Date }[],
): boolean {
  return state !== 'done' && !events.some(({ event, at }) => event === verb && at > updatedAt);
}

/** What a worker was asked to do, and how it goes. */
export function jobText({ verb, actor, state, progress, error }: QuarterJob): string {
  const far = state === 'running' && progress ? `: ${progressText(progress)}` : '';
  const why = error === null ? '' : `: ${error.detail} [${error.code}]`;
  return printable(`${verb} for ${actor} by a worker: ${state}${far}${why}`);
}

/** `trial balance, 10 of 40 (25%)` */
export function progressText({ what, done, total }: NonNullable<QuarterJob['progress']>): string {
  if (total === undefined || total === 0) return `${what}, ${formatCount(done)}`;
  const percent = Math.floor((Math.min(done, total) / total) * 100);
  return `${what}, ${formatCount(done)} of ${formatCount(total)} (${percent}%)`;
}
