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
  const paint = (style: Style, text: string) =>
    'isTTY' in out && out.isTTY === true ? styleText(style, text, { stream: out }) : text;
  const write = (text: string) => {
    if (!json) out.write(`${text}\n`);
  };
  return {
    tell(finding) {
      if (finding.group !== group) write(`${group === '' ? '' : '\n'}${paint('bold', finding.group)}`);
      group = finding.group;
      write(renderFinding(finding, paint));
    },
    end: (findings) => write(`\n${summary(findings, paint)}`),
  };
}

type Paint = (style: Style, text: string) => string;

function renderFinding({ name, check, outcome, found, means, advice, why }: Finding, paint: Paint): string {
  const [word, style] = words[outcome];
  const label = paint(style, word.padEnd(INDENT.length - 2));
  if (outcome === 'ok') return `${label}  ${harmless(check)}`;
  const lines =
    outcome === 'skipped' ? [why] : [found, means, advice === undefined ? undefined : `→ ${advice}`];
  const below = lines
    .filter((line) => line !== undefined && line !== '')
    .map((line) => `${INDENT}${harmless(line ?? '').replaceAll('\n', `\n${INDENT}`)}`)
    .map((line) => (outcome === 'skipped' ? paint('dim', line) : line));
  return [`${label}  ${harmless(check)}  ${paint('dim', `(${name})`)}`, ...below].join('\n');
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
