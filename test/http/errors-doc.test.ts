import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { AppError, type ErrorKind } from '../../src/core/errors.ts';
import { problemOf, statusOfCode } from '../../src/http/problem.ts';

const root = new URL('../../', import.meta.url);

interface Documented {
  readonly kind: string;
  readonly code: string;
  readonly status: number;
}

/** The tables of docs/errors.md, whose headings name a kind, its status and its exit code. */
function readDocument() {
  const kinds = new Map<string, { status: number; exitCode: number }>();
  const codes: Documented[] = [];
  const findings = new Set<string>();
  let kind = '';
  let common = 0;
  for (const line of readFileSync(new URL('docs/errors.md', root), 'utf8').split('\n')) {
    const heading = /^## (?:`(\w+)`: HTTP (\d+), exit code (\d+)|(.+))$/.exec(line);
    if (heading) {
      [kind, common] = [heading[1] ?? '', Number(heading[2])];
      if (kind !== '') kinds.set(kind, { status: common, exitCode: Number(heading[3]) });
    }
    const row = /^\| `(\w+)`(?: \((\d{3})\))? \|/.exec(line);
    if (!row?.[1]) continue;
    if (kind === '') findings.add(row[1]);
    else codes.push({ kind, code: row[1], status: Number(row[2] ?? common) });
  }
  return { kinds, codes, findings };
}

/** Every code the sources can answer with, and with it the kind, where one is written beside it. */
async function readSources() {
  const thrown: { kind: string | undefined; code: string; file: string }[] = [];
  const literals = new Set<string>();
  for await (const file of glob('{src,jobs}/**/*.ts', { cwd: root })) {
    const text = readFileSync(new URL(file, root), 'utf8');
    for (const [, literal] of text.matchAll(/'([a-z]+(?:_[a-z0-9]+)*)'/g)) literals.add(literal ?? '');
    for (const match of text.matchAll(/new (?:AppError|RequestError)\(/g)) {
      const [first = '', second = ''] = argumentsAt(text, match.index + match[0].length);
      const plain = match[0].includes('AppError')
        ? { kind: first, code: second }
        : { kind: "'invalid'", code: first };
      const kind = /^'(\w+)'$/.exec(plain.kind)?.[1];
      const written = [...plain.code.matchAll(/'(\w+)'/g)].map((code) => code[1] ?? '');
      for (const code of written) thrown.push({ kind, code, file });
      // A code that is computed is found where it is written: the refusals below, or the `code:` of a finding.
      if (written.length === 0) expect(plain.code, file).toMatch(/^(\w+\.)?code$/);
    }
    for (const [, code] of text.matchAll(/\bcode: '(\w+)'/g))
      thrown.push({ kind: undefined, code: code ?? '', file });
    const union = /type RefusalCode =([^;]*);/.exec(text)?.[1] ?? '';
    for (const [, code] of union.matchAll(/'(\w+)'/g))
      thrown.push({ kind: undefined, code: code ?? '', file });
  }
  return { thrown, literals };
}

/** The texts of the first two arguments of the call whose bracket ends at the offset. */
function argumentsAt(text: string, offset: number): string[] {
  const found: string[] = [];
  let depth = 0;
  let quote = '';
  let start = offset;
  for (let at = offset; found.length < 2 && at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === '\\') at++;
      else if (character === quote) quote = '';
    } else if (/['"`]/.test(character)) quote = character;
    else if ((character === ',' || character === ')') && depth === 0) {
      found.push(text.slice(start, at).trim());
      start = at + 1;
      if (character === ')') break;
    } else if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
  }
  return found;
}

describe('docs/errors.md', () => {
  it('has every code that the sources can answer with, under its kind', async () => {
    const { codes, findings } = readDocument();
    const { thrown } = await readSources();
    expect(thrown.length).toBeGreaterThan(50);
    const missing = thrown.filter(({ kind, code }) =>
      kind === undefined
        ? !findings.has(code) && !codes.some((documented) => documented.code === code)
        : !codes.some((documented) => documented.code === code && documented.kind === kind),
    );
    expect(missing).toEqual([]);
  });

  it('has no code that is nowhere in the sources, and each once', async () => {
    const { codes, findings } = readDocument();
    const { literals } = await readSources();
    const names = codes.map(({ kind, code }) => `${kind}/${code}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect([...codes.map(({ code }) => code), ...findings].filter((code) => !literals.has(code))).toEqual([]);
  });

  it('says with which status and which exit code each is told', () => {
    const { kinds, codes } = readDocument();
    expect([...kinds.keys()].sort()).toEqual(Object.keys(exitCodes).sort());
    for (const [kind, { status, exitCode }] of kinds) {
      const error = new AppError(kind as ErrorKind, 'any', '');
      expect({ status, exitCode }, kind).toEqual({
        status: problemOf(error, '').status,
        exitCode: exitCodes[kind as ErrorKind],
      });
    }
    for (const { kind, code, status } of codes) {
      expect(status, code).toBe(problemOf(new AppError(kind as ErrorKind, code, ''), '').status);
    }
    for (const code of statusOfCode.keys()) expect(codes.map((each) => each.code)).toContain(code);
  });

  it('is in the order of the alphabet, so that a code is found', () => {
    const { codes } = readDocument();
    for (const kind of new Set(codes.map((each) => each.kind))) {
      const names = codes.filter((each) => each.kind === kind).map(({ code }) => code);
      expect(names).toEqual(names.toSorted());
    }
  });
});
