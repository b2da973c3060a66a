import type { QuarterPolicy } from '../../jobs/quarter-plan.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Operation } from '../http/operation-json.ts';
import type { Known, OperationFacts } from './operation-facts.ts';
import type { KnownQueue } from './operation-schedules.ts';

/** What checks need to know beside what was read. */
export interface ChecksHouse {
  readonly calendar: Calendar;
  readonly config: QuarterPolicy & { readonly fixityDays: number };
  readonly queues: readonly KnownQueue[];
  /** Settings by which a schedule is switched off. */
  readonly switchedOff: readonly string[];
}

export type Check = Operation['checks'][number];

export interface Verdict {
  readonly state: Check['state'];
  readonly detail: string;
}

export interface CheckDefinition {
  readonly name: string;
  /** What to do where all is not well. */
  readonly advice: string;
  /** In docs/runbooks. */
  readonly runbook: string;
  look(facts: OperationFacts, house: ChecksHouse): Verdict;
}

export const DAY_SECONDS = 86_400;

/** What cannot be known is not well, and not ill either. */
export function judged<T>(known: Known<T>, judge: (value: T) => Verdict): Verdict {
  return 'value' in known ? judge(known.value) : { state: 'unknown', detail: known.unknown };
}

export function fine(detail: string): Verdict {
  return { state: 'ok', detail };
}

export function warning(detail: string): Verdict {
  return { state: 'warning', detail };
}

export function critical(detail: string): Verdict {
  return { state: 'critical', detail };
}

/** The first few of many. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

export function counted(count: number, one: string): string {
  return `${whole(count)} ${one}${count === 1 ? '' : 's'}`;
}

export function whole(count: number): string {
  return Math.round(count).toLocaleString('en');
}

/** A time as people say it, in one unit. */
export function timeOf(seconds: number): string {
  const [unit, size] =
    seconds >= 2 * DAY_SECONDS
      ? (['day', DAY_SECONDS] as const)
      : seconds >= 7200
        ? (['hour', 3600] as const)
        : seconds >= 120
          ? (['minute', 60] as const)
          : (['second', 1] as const);
  return counted(Math.floor(seconds / size), unit);
}
