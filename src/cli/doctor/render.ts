import { paint, type Style } from '../paint.ts';
import { wrap } from '../table.ts';
import { columnsOf, show, type Terminal } from '../terminal.ts';
import type { Finding } from './finding.ts';

const words: Readonly<Record<Finding['outcome'], readonly [word: string, style: Style]>> = {
  ok: ['ok', 'good'],
  advice: ['advice', 'attention'],
  failed: ['FAILED', 'bad'],
  skipped: ['skipped', 'faint'],
  fixed: ['fixed', 'good'],
};

/** Where the sentences begin, and how many columns one line of them takes at least and at most. */
const INDENT = 9;
const [NARROW, WIDE] = [30, 110];

export interface Teller {
  /** Told at once, so that somebody at a terminal sees where it is; not where a document is wanted. */
  tell(finding: Finding): void;
  /** How it stands and where to begin, at the end, where it is seen. */
  end(findings: readonly Finding[]): void;
}

/** Findings for people, under the headings of their groups. */
export function createTeller({ out, json }: Terminal): Teller {
  let group = '';
  let skipped: Finding[] = [];
  const columns = columnsOf(out);
  const width =
    columns === Number.POSITIVE_INFINITY ? columns : Math.min(WIDE, Math.max(NARROW, columns - INDENT - 1));
  const write = (text: string) => {
    if (!json) show(out, `${text}\n`);
  };
  // What was not asked for one reason is one line, or it would hide that reason.
  const tellSkipped = () => {
    for (const [why, some] of Map.groupBy(skipped, (finding) => finding.why ?? '')) {
      const names = some.map(({ name }) => name).join(', ');
      write(under('skipped', lines(`${why} Not asked: ${names}.`, width), 'faint'));
    }
    skipped = [];
  };
  return {
    tell(finding) {
      if (finding.group !== group) {
        tellSkipped();
        write(`${group === '' ? '' : '\n'}${paint('heading', finding.group)}`);
      }
      group = finding.group;
      if (finding.outcome === 'skipped') skipped.push(finding);
      else write(renderFinding(finding, width));
    },
    end(findings) {
      tellSkipped();
      write(`\n${summary(findings)}`);
    },
  };
}

function renderFinding({ name, check, outcome, found, means, advice }: Finding, width: number): string {
  const title = lines(check, width);
  if (outcome === 'ok') return under('ok', title);
  const named = title.map((line, i) =>
    i === title.length - 1 ? `${line}  ${paint('faint', `(${name})`)}` : line,
  );
  const below = [found, means].flatMap((text) => (text === undefined ? [] : lines(text, width)));
  const todo = advice === undefined ? [] : lines(`→ ${advice}`, width).map((line) => paint('strong', line));
  return under(outcome, [...named, ...below, ...todo]);
}

/** Lines beside the word for an outcome. */
function under(outcome: Finding['outcome'], parts: readonly string[], style?: Style): string {
  const [word, own] = words[outcome];
  const painted = style === undefined ? parts : parts.map((line) => paint(style, line));
  return `${paint(own, word.padEnd(INDENT - 2))}  ${painted.join(`\n${' '.repeat(INDENT)}`)}`;
}

function lines(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => wrap(line, width));
}

function summary(findings: readonly Finding[]): string {
  const of = (outcome: Finding['outcome']) => findings.filter((finding) => finding.outcome === outcome);
  const counts = (['failed', 'advice', 'fixed', 'skipped', 'ok'] as const)
    .filter((outcome) => of(outcome).length > 0)
    .map((outcome) => paint(words[outcome][1], `${of(outcome).length} ${words[outcome][0].toLowerCase()}`));
  const [first, ...others] = of('failed');
  const then = others.length > 0 ? `, then ${others.map(({ name }) => name).join(', ')}` : '';
  const begin = first === undefined ? '' : `\nBegin with ${paint('strong', first.name)}${then}.`;
  return `${counts.join(', ')}.${begin}`;
}
