import { AppError } from '../core/errors.ts';
import { compareQuarters, isQuarterName, nextName } from '../core/quarter.ts';

/** Quarters as somebody has named them. What has an open end is known only once it is known which quarters there are. */
export interface QuarterRange {
  readonly text: string;
  /** True where the names depend on which quarters there are. */
  readonly isOpen: boolean;
  /** The names, each once and in order of time. `known` are those there are, likewise. */
  names(known: readonly string[]): string[];
}

export const QUARTERS_FORMS = '2024q1, 2023q1..2023q4, 2023q1.., ..2023q4, or several with commas';

/** More quarters than this at once are a mistake. */
const MOST_QUARTERS = 400;

/**
 * Reads `2024q1`, `2023q1..2023q4` with both ends included, `2023q1..` and `..2023q4` up to the last or from the first that
 * there is, and several of these with commas. `2024Q1` and `2024-q1` are taken too.
 *
 * @throws AppError invalid/invalid_quarter, refused/too_many_quarters
 */
export function parseQuarterRange(text: string): QuarterRange {
  const parts = text.split(',').map((part) => parsePart(part.trim(), text));
  const isOpen = parts.some(({ from, to }) => from === undefined || to === undefined);
  return {
    text,
    isOpen,
    names(known) {
      const names = new Set<string>();
      for (const { from = known[0], to = known.at(-1) } of parts) {
        if (from === undefined || to === undefined) continue;
        for (const name of between(from, to, text)) names.add(name);
      }
      if (names.size === 0) {
        const there = known.length === 0 ? 'none' : `${known[0]} to ${known.at(-1)}`;
        throw invalid(`${text} names no quarter that there is; there are ${there}.`);
      }
      return [...names].sort();
    },
  };
}

/** The one quarter of that name. @throws AppError invalid/invalid_quarter */
export function parseQuarterName(text: string): string {
  const name = plain(text);
  if (isQuarterName(name)) return name;
  throw invalid(`${text} is no quarter. Write it as 2024q1.`);
}

function parsePart(part: string, whole: string): { from: string | undefined; to: string | undefined } {
  const ends = part.split('..').map((end) => plain(end.trim()));
  const [first = '', last = first] = ends;
  const isName = (end: string) => isQuarterName(end) || (end === '' && ends.length === 2);
  if (ends.length > 2 || part === '..' || ![first, last].every(isName))
    throw invalid(
      `${part === '' ? JSON.stringify(whole) : part} is no quarter and no range of them. Write ${QUARTERS_FORMS}.`,
    );
  if (first !== '' && last !== '' && compareQuarters(first, last) > 0)
    throw invalid(`${part} ends before it begins. Write ${last}..${first}.`);
  return { from: first || undefined, to: last || undefined };
}

function between(from: string, to: string, text: string): string[] {
  if (compareQuarters(from, to) > 0) return [];
  if (compareQuarters(to, from) >= MOST_QUARTERS) {
    const detail = `${text} are more than ${MOST_QUARTERS} quarters. Ask for them in parts.`;
    throw new AppError('refused', 'too_many_quarters', detail);
  }
  const names = [from];
  while (names.at(-1) !== to) names.push(nextName(names.at(-1) as string));
  return names;
}

function plain(text: string): string {
  return text.replace(/^(\d{4})[- ]?[qQ]([1-4])$/, '$1q$2');
}

function invalid(detail: string): AppError {
  return new AppError('invalid', 'invalid_quarter', detail);
}
