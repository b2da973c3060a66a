import { formatBytes, formatCount } from '../format.ts';
import { durationWords, type Pace } from './pace.ts';

/** How far a job is, as the API says. */
export interface JobProgress {
  readonly what: string;
  readonly done: number;
  readonly total: number | null;
}

/** How far it is, for people: what is done now, how much of it, how quickly, and for how long yet. */
export interface ProgressWords {
  readonly doing: string;
  readonly far: string;
  /** Undefined while nobody can know. */
  readonly pace: string | undefined;
}

/** Says it in the unit that the job counts in: rows, bytes, or steps. */
export function progressWords({ what, done, total }: JobProgress, pace: Pace | undefined): ProgressWords {
  const found = /^(?<doing>.*), in (?<unit>rows|bytes)$/.exec(what)?.groups;
  if (found === undefined) {
    const far = total === null ? formatCount(done) : `step ${Math.min(done + 1, total)} of ${total}`;
    return { doing: what, far, pace: undefined };
  }
  const isBytes = found.unit === 'bytes';
  const say = (amount: number) => (isBytes ? formatBytes(amount) : formatCount(amount));
  const far = `${say(done)}${total === null ? '' : ` of ${say(total)}`}${isBytes ? '' : ' rows'}`;
  const doing = found.doing ?? what;
  if (pace === undefined) return { doing, far, pace: undefined };
  const rate = `${say(Math.round(pace.rate))}${isBytes ? '' : ' rows'} a second`;
  const left = pace.left === undefined ? '' : `, ${durationWords(pace.left)} to go`;
  return { doing, far, pace: `${rate}${left}` };
}
