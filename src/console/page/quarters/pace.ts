/** How far something was at an instant, in milliseconds. */
export interface Mark {
  readonly at: number;
  readonly done: number;
}

export interface Pace {
  /** In a second. */
  readonly rate: number;
  /** Seconds until it is done, at this rate; undefined where nobody knows of how much. */
  readonly left: number | undefined;
}

/**
 * How quickly it goes, from the first mark to the last. Undefined until there are two that differ: one alone says nothing.
 *
 * @param total undefined where it is not known
 */
export function paceOf(marks: readonly Mark[], total: number | undefined): Pace | undefined {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const seconds = (last.at - first.at) / 1000;
  const done = last.done - first.done;
  if (seconds <= 0 || done <= 0) return undefined;
  const rate = done / seconds;
  return { rate, left: total === undefined ? undefined : Math.max(0, total - last.done) / rate };
}

/** `about 3 minutes`: never more exact than anybody can know. */
export function durationWords(seconds: number): string {
  if (seconds < 5) return 'a few seconds';
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${minutes === 1 ? 'a minute' : `${minutes} minutes`}`;
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  const words = hours === 1 ? 'an hour' : `${hours} hours`;
  return rest < 5 ? `about ${words}` : `about ${words} and ${rest} minutes`;
}

/** Marks that are kept: enough for the pace of the last while, so that a slow start is forgotten. */
const KEPT = 20;

interface Followed {
  readonly what: string;
  readonly marks: Mark[];
}

/** Follows jobs from one answer to the next. What a job does next, as reading back what it wrote, begins anew. */
export class Paces {
  readonly #jobs = new Map<string, Followed>();

  /** @param updatedAt when the server heard of it, so that a slow answer makes nothing slower */
  note(id: string, what: string, done: number, updatedAt: string): void {
    const mark = { at: Date.parse(updatedAt), done };
    const known = this.#jobs.get(id);
    const last = known?.marks.at(-1);
    if (known === undefined || known.what !== what || (last !== undefined && done < last.done)) {
      this.#jobs.set(id, { what, marks: [mark] });
      return;
    }
    if (last !== undefined && last.at >= mark.at) return;
    known.marks.push(mark);
    if (known.marks.length > KEPT) known.marks.shift();
  }

  of(id: string, total: number | undefined): Pace | undefined {
    return paceOf(this.#jobs.get(id)?.marks ?? [], total);
  }
}
