import { type MAX_TEXT, parseAddress, textFault } from '../core/account.ts';
import { parseMinor } from '../core/money.ts';
import type { Calendar } from '../core/quarter.ts';
import { midnightOf } from '../core/timestamp.ts';
import { A_DAY, ACCOUNT, RFC3339, WHEN } from './parameters.ts';
import { type Fault, RequestError } from './problem.ts';

const INSTANT = new RegExp(RFC3339);

/** Reads parameters whose rules JSON Schema cannot say, and gathers what is wrong with them, to refuse it all at once. */
export function createParameters(calendar: Calendar) {
  const faults: Fault[] = [];

  function fault(parameter: string, detail: string): void {
    faults.push({ parameter, detail });
  }

  return {
    fault,

    instant(name: string, text: string): Date {
      const instant = readInstant(text, calendar);
      if (instant === undefined) fault(name, `must be ${WHEN}`);
      // Nobody sees the invalid date: `done` throws.
      return instant ?? new Date(Number.NaN);
    },

    day(name: string, text: string): string {
      if (midnightOf(text) === undefined) fault(name, `must be ${A_DAY}`);
      return text;
    },

    account<T extends string | undefined>(name: string, text: T): T {
      if (text !== undefined && !isAccount(text)) fault(name, `must be ${ACCOUNT}`);
      return text;
    },

    text(name: string, text: string | undefined, field: keyof typeof MAX_TEXT): string | undefined {
      const wrong = text === undefined ? undefined : textFault(field, text);
      if (wrong !== undefined) fault(name, wrong);
      return text;
    },

    /** Refuses an end before the beginning. */
    inOrder(from: Date | string | undefined, to: Date | string | undefined): void {
      if (from !== undefined && to !== undefined && to < from) fault('to', 'must not be before from');
    },

    /** @throws RequestError invalid/invalid_request */
    done(): void {
      if (faults.length > 0) throw new RequestError('invalid_request', faults);
    },
  };
}

/** A day is its start in the ledger's zone; one that the zone skipped begins with what followed. */
function readInstant(text: string, calendar: Calendar): Date | undefined {
  if (midnightOf(text) !== undefined) return calendar.startOfDay(text);
  return INSTANT.test(text) ? calendar.parseInstant(text) : undefined;
}

/** An address holds a colon and an id none, so no text is both. */
function isAccount(text: string): boolean {
  return text.includes(':') ? parseAddress(text) !== undefined : isId(text);
}

/** True for a number that the database may have given to a row. */
export function isId(text: string): boolean {
  return /^[1-9]\d*$/.test(text) && parseMinor(text) !== undefined;
}
