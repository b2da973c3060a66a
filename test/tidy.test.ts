import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importRules } from './tidy/imports.ts';
import { faults } from './tidy/rules.ts';
import { source } from './tidy/source.ts';
import { sqlRules } from './tidy/sql.ts';
import { textRules } from './tidy/text.ts';

const root = join(import.meta.dirname, '..');
const folders = ['src', 'jobs', 'clients', 'test', 'bench', 'examples', 'sql'];

function filesOf(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|js|sql)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.includes('node_modules/') && path !== 'clients/typescript/src/schema.ts');
}

const files = folders.flatMap(filesOf).map((path) => source(path, readFileSync(join(root, path), 'utf8')));
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const rules = [...importRules(new Set(Object.keys(dependencies))), ...textRules, ...sqlRules];

describe('the house is tidy:', () => {
  it.each(rules)('$name', (rule) => {
    expect(files.length).toBeGreaterThan(10);
    expect(faults(rule, files)).toEqual([]);
  });
});

describe('the rule is able to fail, and only where it should:', () => {
  it.each(rules)('$name', (rule) => {
    const [path, ...texts] = rule.wrong;
    for (const text of texts)
      expect([text, faults(rule, [source(path, text)])]).toEqual([text, [expect.stringContaining(rule.why)]]);
    expect(faults(rule, [source(...rule.right)])).toEqual([]);
  });
});

describe('source text', () => {
  it('is read with comments and literals told apart', () => {
    const text = [
      "const a = 'it\\'s // no comment'; // it's one",
      'const b = `a $' + '{ { c: `d $' + '{/* e */ 1} f` } } $' + '{g} /* no */`; h();',
      'const i = /[/"]\\/\\*/.test(j) ? k / l / m : /\'/;',
      'const n = "/*"; /* o\n"p" */ q();',
    ].join('\n');
    const { code, bare } = source('src/a.ts', text);
    expect(code.replace(/ +/g, ' ').split('\n')).toEqual([
      "const a = 'it\\'s // no comment'; ",
      'const b = `a $' + '{ { c: `d $' + '{ 1} f` } } $' + '{g} /* no */`; h();',
      'const i = /[/"]\\/\\*/.test(j) ? k / l / m : /\'/;',
      'const n = "/*"; ',
      ' q();',
    ]);
    expect(bare.replace(/ +/g, ' ').split('\n')).toEqual([
      "const a = ' '; ",
      'const b = ` $' + '{ { c: ` $' + '{ 1} ` } } $' + '{g} `; h();',
      'const i = / /.test(j) ? k / l / m : / /;',
      'const n = " "; ',
      ' q();',
    ]);
    expect(bare).toHaveLength(text.length);
  });

  it('is understood in every file: outside comments and literals all brackets are closed', () => {
    const closes: Record<string, string> = { ')': '(', ']': '[', '}': '{' };
    const misread = files.filter(({ bare }) => {
      const open: string[] = [];
      for (const [bracket] of bare.matchAll(/[()[\]{}]/g)) {
        if (closes[bracket] === undefined) open.push(bracket);
        else if (open.pop() !== closes[bracket]) return true;
      }
      return open.length > 0;
    });
    expect(misread.map(({ path }) => path)).toEqual([]);
  });

  it('names the line of a fault', () => {
    const rule = textRules.find(({ name }) => name === 'no console');
    const file = source('src/a.ts', '/* one\ntwo */\n\nconsole.log(1);\n');
    expect(rule && faults(rule, [file])).toEqual([expect.stringMatching(/^src\/a\.ts:4: /)]);
  });
});
