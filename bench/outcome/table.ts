import { type Figure, isReached } from '../figures.ts';

/** A line of the table: what a figure means to somebody who runs the ledger. */
export interface Line {
  readonly what: string;
  readonly figure: Figure;
}

const heads = ['', 'before', 'ours', 'times better', 'goal', ''] as const;

/** The outcome for a person to read: in columns, or as Markdown has it. */
export function renderTable(lines: readonly Line[], form: 'columns' | 'markdown'): string {
  const rows = lines.map(({ what, figure }) => [
    what,
    numberText(figure.other),
    numberText(figure.ours),
    ratioText(figure),
    goalText(figure),
    { true: 'reached', false: 'missed', undefined: '' }[String(isReached(figure))] ?? '',
  ]);
  if (form === 'markdown') {
    const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell || ' ').join(' | ')} |`;
    return [line(heads), line(heads.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join(
      '\n',
    );
  }
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => (row[at] ?? '').length)));
  return [[...heads], ...rows]
    .map((row) =>
      row
        .map((cell, at) => {
          const width = widths[at] as number;
          const isText = at === 0 || at === heads.length - 1;
          return isText ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function numberText(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 4 });
}

function ratioText({ ratio, unit }: Figure): string {
  if (ratio !== null) return numberText(ratio);
  return unit === 'count' ? '–' : 'no number';
}

function goalText({ goal, unit }: Figure): string {
  if (goal === null) return '–';
  if (unit !== 'count') return numberText(goal);
  return goal === 0 ? 'none' : `at most ${numberText(goal)}`;
}
