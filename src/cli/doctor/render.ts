import { styleText } from 'node:util';
import { harmless, type Terminal } from '../terminal.ts';
import type { Finding } from './finding.ts';

type Style = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

const words: Readonly<Record<Finding['outcome'], readonly [word: string, style: Style]>> = {
  ok: ['ok', 'green'],
  advice: ['advice', 'yellow'],
  failed: ['FAILED', 'red'],
  skipped: ['skipped', 'dim'],
  fixed: ['fixed', 'green'],
};

/** Where the sentences begin. */
const INDENT = ' '.repeat(9);

export interface Teller {
  /** Told at once, so that somebody at a terminal sees where it is; not where a document is wanted. */
  tell(finding: Finding): void;
  /** How it stands and where to begin, at the end, where it is seen. */
  end(findings: readonly Finding[]): void;
}

/** Findings for people, under the headings of their groups. Marked on a terminal only, and there not with NO_COLOR. */
export function createTeller({ out, json }: Terminal): Teller {
  let group = '';
  let skipped: Finding[] = [];
  const paint = (style: Style, text: string) =>
    'isTTY' in out && out.isTTY === true ? styleText(style, text, { stream: out }) : text;
  const write = (text: string) => {
    if (!json) out.write(`${text}\n`);
  };
  // What was not asked for one reason is one line, or it would hide that reason.
  const tellSkipped = () => {
    for (const [why, some] of Map.groupBy(skipped, (finding) => finding.why ?? '')) {
      const names = some.map(({ name }) => name).join(', ');
      write(paint('dim', `${label('skipped', paint)}  ${harmless(why)} Not asked: ${names}.`));
    }
    skipped = [];
  };
  return {
    tell(finding) {
      if (finding.group !== group) {
        tellSkipped();
        write(`${group === '' ? '' : '\n'}${paint('bold', finding.group)}`);
      }
      group = finding.group;
      if (finding.outcome === 'skipped') skipped.push(finding);
      else write(renderFinding(finding, paint));
    },
    end(findings) {
      tellSkipped();
      write(`\n${summary(findings, paint)}`);
    },
  };
}

type Paint = (style: Style, text: string) => string;

function label(outcome: Finding['outcome'], paint: Paint): string {
  const [word, style] = words[outcome];
  return paint(style, word.padEnd(INDENT.length - 2));
}

function renderFinding({ name, check, outcome, found, means, advice }: Finding, paint: Paint): string {
  const line = `${label(outcome, paint)}  ${harmless(check)}`;
  if (outcome === 'ok') return line;
  const below = [found, means, advice === undefined ? undefined : `→ ${advice}`]
    .filter((text) => text !== undefined)
    .map((text) => `${INDENT}${harmless(text).replaceAll('\n', `\n${INDENT}`)}`);
  return [`${line}  ${paint('dim', `(${name})`)}`, ...below].join('\n');
}

function summary(findings: readonly Finding[], paint: Paint): string {
  const of = (outcome: Finding['outcome']) => findings.filter((finding) => finding.outcome === outcome);
  const counts = (['failed', 'advice', 'fixed', 'skipped', 'ok'] as const)
    .filter((outcome) => of(outcome).length > 0)
    .map((outcome) => paint(words[outcome][1], `${of(outcome).length} ${words[outcome][0].toLowerCase()}`));
  const [first, ...others] = of('failed');
  const then = others.length > 0 ? `, then ${others.map(({ name }) => name).join(', ')}` : '';
  const begin = first === undefined ? '' : `\nBegin with ${paint('bold', first.name)}${then}.`;
  return `${counts.join(', ')}.${begin}`;
}
