import type { Verdict } from './trial.ts';

/** The faults, in the order of their columns. */
export const columns = {
  before: 'killed before',
  after: 'killed after',
  postgres: 'PostgreSQL killed',
  sessions: 'sessions ended',
  commitLost: 'COMMIT lost',
  answerLost: 'answer to COMMIT lost',
  twin: 'a second process',
} as const;
export type Column = keyof typeof columns;

/** A row of the table: a step of a verb and what each fault came to. */
export interface Row {
  readonly verb: string;
  readonly step: string;
  readonly cells: Readonly<Partial<Record<Column, string>>>;
}

/** What faults came to, as they are found out. */
export interface Findings {
  add(verb: string, step: string, column: Column, cell: string): void;
  rows(steps: ReadonlyMap<string, readonly string[]>): Row[];
}

export function openFindings(): Findings {
  const cells = new Map<string, Set<string>>();
  const keyOf = (...parts: string[]) => parts.join('\n');
  return {
    add(verb, step, column, cell) {
      const key = keyOf(verb, step, column);
      cells.set(key, (cells.get(key) ?? new Set()).add(cell));
    },
    rows: (steps) =>
      [...steps].flatMap(([verb, names]) =>
        names.map((step) => ({
          verb,
          step,
          cells: Object.fromEntries(
            Object.keys(columns).map((column) => [
              column,
              [...(cells.get(keyOf(verb, step, column)) ?? [])].sort().join(', '),
            ]),
          ),
        })),
      ),
  };
}

/** The word for a fault whose verb was run once more and is right; what it left depends on the moment where that is random. */
export function cellOf({ left }: Pick<Verdict, 'left'>, random = false): string {
  return random ? 'right' : left;
}

export function renderTable(rows: readonly Row[]): string {
  const names = Object.keys(columns) as Column[];
  const lines = rows.map(({ verb, step, cells }, i) => {
    const shown = rows[i - 1]?.verb === verb ? '' : verb;
    return `| ${[shown, `\`${step}\``, ...names.map((name) => cells[name] || '–')].join(' | ')} |`;
  });
  return [
    `| verb | step | ${Object.values(columns).join(' | ')} |`,
    `|${'---|'.repeat(names.length + 2)}`,
    ...lines,
  ].join('\n');
}

/** The verbs, steps and faults of a table, without what came of them. */
export function outlineOf(markdown: string): string[] {
  let verb = '';
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line, i) => {
      const [first = '', second = '', ...others] = line.slice(2, -2).split(' | ');
      if (i === 0) return line;
      if (first.trim() !== '') verb = first;
      return `${verb} ${second} ${others.length}`;
    });
}
