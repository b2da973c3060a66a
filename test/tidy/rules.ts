import { type Import, lineAt, type Source } from './source.ts';

/** A rule of the house: where a file breaks it, and why that matters. */
export interface Rule {
  readonly name: string;
  readonly why: string;
  /** The offsets in the file at which the rule is broken. */
  check(file: Source): number[];
  /** Texts of a file that each break it once, so that the rule is known to be able to fail; and one that nearly does. */
  readonly wrong: readonly [path: string, ...texts: string[]];
  readonly right: readonly [path: string, text: string];
}

/** The faults of the files under one rule, as `path:line: why`. */
export function faults(rule: Rule, files: readonly Source[]): string[] {
  return files.flatMap((file) =>
    rule.check(file).map((offset) => `${file.path}:${lineAt(file.text, offset)}: ${rule.why}`),
  );
}

/** True for the code that runs in production, which most rules are about. */
export function isHouse(path: string): boolean {
  return /^(src|jobs)\/.*\.ts$/.test(path);
}

/** All matches of a pattern (with the flag g) in production code outside the allowed places. */
export function outside(allowed: RegExp, view: 'code' | 'bare', pattern: RegExp): (file: Source) => number[] {
  return (file) => (isHouse(file.path) && !allowed.test(file.path) ? offsets(file[view], pattern) : []);
}

export function offsets(text: string, pattern: RegExp): number[] {
  return Array.from(text.matchAll(pattern), (match) => match.index);
}

export const nowhere = /(?!)/;

/** The path in the project that a relative import leads to. */
export function resolved(file: Source, specifier: string): string {
  return new URL(specifier, `file:///${file.path}`).pathname.slice(1);
}

export function isRelative(specifier: string | undefined): specifier is string {
  return specifier?.startsWith('.') ?? false;
}

/** Checks each import of production code. */
export function eachImport(isWrong: (file: Source, item: Import) => boolean): (file: Source) => number[] {
  return (file) =>
    isHouse(file.path) ? file.imports.filter((item) => isWrong(file, item)).map(({ offset }) => offset) : [];
}
