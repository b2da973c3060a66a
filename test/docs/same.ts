/**
 * What may differ between the day on which a page was written and another one. Quarters, dates and with them all counts of
 * the demo move with the calendar; hashes, ids, addresses and durations are others each time. Words, columns, states, codes and
 * the order of everything have to be the same.
 */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<id>'],
  [/\bqm_[\w-]+/g, '<key>'],
  [/\b20\d\dq[1-4]\b/g, '<quarter>'],
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,64}\b|\b\d{12}\b|\b[a-f]{12}\b/g, '<hash>'],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?/g, '<date>'],
  [/\b\d\d:\d\d(?::\d\d)?\b/g, '<time>'],
  [/\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? \d+ \w+/g, '<date>'],
  [/\b\d+ (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*(?: \d{4})?/g, '<date>'],
  [/127\.0\.0\.1:\d+/g, '<address>'],
  [/\/[\w./-]+\/var\b/g, '<folder>/var'],
  [/\b[\d.,]+ (?:B|KiB|MiB|GiB)(?!\w)/g, '<bytes>'],
  [/\b[\d.]+ (?:ms|s|min|h|days?|hours?|minutes?|seconds?)\b/g, '<duration>'],
  [/-?\d[\d,.]*(?<![,.])/g, '#'],
  [/[-─]{3,}/g, '---'],
  [/[ \t]+/g, ' '],
];

/** The text without what may differ, blank lines at its ends and spaces at those of its lines. */
export function lasting(text: string): string {
  const plain = patterns.reduce((before, [pattern, word]) => before.replaceAll(pattern, word), text);
  return plain
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trim();
}

/**
 * Whether the page's output is the real one. A line `…` of the page stands for any lines, so that a long output can be cut.
 */
export function isSame(shown: string, real: string): boolean {
  const parts = lasting(shown)
    .split(/^…$/m)
    .map((part) => part.trim());
  const text = lasting(real);
  if (parts.length === 1) return text === parts[0];
  const pattern = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[\\s\\S]*');
  return new RegExp(`^${pattern}$`).test(text);
}
