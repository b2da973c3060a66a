import { compareQuarters, isQuarterName } from '../core/quarter.ts';
import type { Outlook } from '../quarters/outlook.ts';
import type { LocalTime } from './local-time.ts';
import { paint } from './paint.ts';
import { formatBytes, formatCount, printable } from './terminal.ts';

/** What a verb would find and do, for `--dry-run`. */
export function renderOutlook(verb: string, quarter: string, { done, obstacles, steps }: Outlook): string {
  const lines: string[] = [];
  if (obstacles.length > 0) {
    lines.push(`${paint('attention', '!')} ${verb} ${quarter} would be refused now:`);
    lines.push(...obstacles.map(({ code, detail }) => `  - ${detail} [${code}]`));
    return lines.join('\n');
  }
  if (done) return `${paint('good', '✓')} ${verb} ${quarter}: it is done already, and nothing would change.`;
  lines.push(`${paint('good', '✓')} ${verb} ${quarter} would go on now${steps.length === 0 ? '.' : ':'}`);
  lines.push(...steps.map((step, index) => `  ${index + 1}. ${step}`));
  return lines.join('\n');
}

/** What a verb has to say of itself: a line for each thing, after the one that names the verb. */
export function renderReport(verb: string, quarter: string, report: object, time?: LocalTime): string {
  const facts = Object.entries(report).filter(([name, value]) => name !== 'quarter' && isFact(value));
  const flags = facts.filter(([, value]) => typeof value === 'boolean');
  // One flag of a report says whether it was done now; when it was not, there is nothing new to tell.
  const before = flags.length === 1 && flags[0]?.[1] === false ? ', as it was before' : '';
  const lines = facts
    .filter(([, value]) => typeof value !== 'boolean')
    .map(([name, value]) => `  ${lineOf(name, value, time)}`);
  return [`${paint('good', '✓')} ${verb} ${quarter} is done${before}.`, ...lines].join('\n');
}

/** A report as `quartermaster run` prints it, a line for each thing. */
export function renderFacts(report: object, time?: LocalTime): string {
  return Object.entries(report)
    .map(([name, value]) => (isFact(value) ? lineOf(name, value, time) : `${wordsOf(name)}: none`))
    .join('\n');
}

function lineOf(name: string, value: unknown, time?: LocalTime): string {
  const text =
    value instanceof Date && time !== undefined ? `${time.minute(value)} (${time.zone})` : shown(name, value);
  return `${wordsOf(name)}:${text.startsWith('\n') ? '' : ' '}${text}`;
}

function isFact(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

function shown(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.every(isPlain) ? listed(value.map(String)) : below(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint' || typeof value === 'number') {
    return /bytes$/i.test(name) ? formatBytes(value) : formatCount(value);
  }
  if (typeof value === 'object' && value !== null) return inLine(value);
  return String(value);
}

/** One below the other; of a check its outcome comes first. */
function below(items: readonly unknown[]): string {
  return items
    .map((item) => {
      if (!isCheck(item)) return `\n    ${printable(isPlain(item) ? String(item) : inLine(item as object))}`;
      const outcome = item.ok === undefined ? '' : `${outcomeText(item.ok, 'FAILED')}  `;
      return `\n    ${outcome}${printable(`${item.name}${item.detail ? `: ${item.detail}` : ''}`)}`;
    })
    .join('');
}

function inLine(value: object): string {
  return Object.entries(value)
    .filter(([, member]) => isFact(member))
    .map(
      ([name, member]) =>
        `${wordsOf(name)} ${isPlain(member) ? shown(name, member) : JSON.stringify(member)}`,
    )
    .join(', ');
}

/** `ok`, or the word for what is not, both as wide. */
export function outcomeText(ok: boolean, fault: string): string {
  return ok ? paint('good', 'ok'.padEnd(fault.length)) : paint('bad', fault);
}

/** Quarters that follow each other as a range. */
function listed(values: readonly string[]): string {
  const [first, last] = [values[0], values.at(-1)];
  if (values.length > 3 && values.every(isQuarterName) && first !== undefined && last !== undefined) {
    if (compareQuarters(last, first) === values.length - 1) return `${first} to ${last}`;
  }
  return values.join(', ');
}

function isPlain(value: unknown): value is string | number | bigint | boolean {
  return typeof value !== 'object' && value !== undefined;
}

function isCheck(value: unknown): value is { name: string; ok?: boolean; detail?: string } {
  return (
    typeof value === 'object' && value !== null && 'name' in value && ('ok' in value || 'detail' in value)
  );
}

/** `manifestSha256` reads `manifest sha256`. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replaceAll('_', ' ');
}
