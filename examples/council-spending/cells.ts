import { createHash } from 'node:crypto';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/**
 * A day as `YYYY-MM-DD`, or undefined. Taken are 2019-03-31, 31/03/2019, 31.3.19, 31-Mar-19 and 31 March 2019, each with
 * a time of day behind it or not. Days come before months, unless `monthFirst`.
 */
export function readDay(text: string, monthFirst = false): string | undefined {
  const cell = text.trim().replace(/[T ]+\d{1,2}:\d\d(:\d\d(\.\d+)?)?( ?[AP]M)?(Z|[+-]\d\d:?\d\d)?$/i, '');
  const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(cell);
  if (iso) return day(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const numbers = /^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d\d)$/.exec(cell);
  if (numbers) {
    const [first, second] = [Number(numbers[1]), Number(numbers[2])];
    const [date, month] = monthFirst ? [second, first] : [first, second];
    return day(year(numbers[3] as string), month, date);
  }
  const words = /^(\d{1,2})(?:st|nd|rd|th)?[-/. ]([a-z]{3,9})[-/., ]+(\d{4}|\d\d)$/i.exec(cell);
  if (!words) return undefined;
  const month = MONTHS.indexOf((words[2] as string).slice(0, 3).toLowerCase()) + 1;
  return day(year(words[3] as string), month, Number(words[1]));
}

function year(text: string): number {
  return text.length === 2 ? 2000 + Number(text) : Number(text);
}

function day(y: number, m: number, d: number): string | undefined {
  const date = new Date(Date.UTC(y, m - 1, d));
  if (date.getUTCFullYear() !== y || date.getUTCMonth() !== m - 1 || date.getUTCDate() !== d)
    return undefined;
  return date.toISOString().slice(0, 10);
}

/**
 * Pence, or undefined. Taken are `1234.5`, `£1,234.50`, `-£5`, `£-5`, `(1,234.50)`, `12.00-` and `12.00 CR`; brackets, a
 * minus and CR all mean a credit. Nothing passes through a float.
 */
export function readPence(text: string): bigint | undefined {
  let cell = text
    .replace(/[\s\u00a0£$€]/g, '')
    .replace(/^GBP|GBP$/i, '')
    .replace(/\u2212/g, '-');
  let negative = false;
  const marks = [/^\((.*)\)$/, /^-(.*)$/, /^(.*)-$/, /^(.*)CR$/i];
  for (const mark of marks) {
    const inside = mark.exec(cell)?.[1];
    if (inside === undefined) continue;
    negative = true;
    cell = inside;
    break;
  }
  const match = /^(\d+|\d{1,3}(?:,\d{3})+)?(?:\.(\d*))?$/.exec(cell);
  if (!match || !/\d/.test(cell)) return undefined;
  const fraction = match[2] ?? '';
  if (/[1-9]/.test(fraction.slice(2))) return undefined;
  const pence = BigInt((match[1] ?? '0').replaceAll(',', '') + fraction.slice(0, 2).padEnd(2, '0'));
  return negative ? -pence : pence;
}

/** Pence as the load format wants them: `12.05`. Not for negative ones. */
export function poundsOf(pence: bigint): string {
  const digits = String(pence).padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** A text of one line without control characters and without blanks around it. */
export function lineOf(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
}

/**
 * Who was paid, as part of an account's address: the supplier's number where there is one, else a slug of the name, which is the
 * same for every spelling that differs in case, accents and punctuation alone. Two names never share a slug with a
 * number, for slugs begin with `name-`.
 */
export function supplierKey(id: string, name: string): string {
  const number = lineOf(id).replaceAll(':', '-');
  if (number !== '' && number.length <= 100) return number;
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
  if (slug !== '' && slug.length <= 100) return `name-${slug}`;
  const digest = createHash('sha256')
    .update(number || lineOf(name))
    .digest('hex')
    .slice(0, 12);
  return `name-${[...slug].slice(0, 80).join('')}${slug === '' ? 'none' : ''}-${digest}`;
}

/**
 * The text of a cell whose bytes were read as latin1: UTF-8 where they are that, else Windows-1252, which spreadsheets write and
 * in which a pound sign is one byte. Cell by cell, for files were joined from both.
 */
export function decodeCell(latin1: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is the same in every encoding.
  if (/^[\x00-\x7f]*$/.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, 'latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
