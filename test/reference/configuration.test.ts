import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultsOf, renderSettings, settings, wrongFor } from './settings-page.ts';
import { groups, together, told } from './settings-told.ts';

const root = join(import.meta.dirname, '..', '..');
const file = join(root, 'docs', 'reference', 'configuration.md');

describe('docs/reference/configuration.md', () => {
  it('is what the code says (npm run docs:reference writes it)', () => {
    const now = renderSettings();
    if (process.env.QM_TEST_WRITE_DOCS === '1') writeFileSync(file, now);
    expect(readFileSync(file, 'utf8')).toBe(now);
  });

  it('has every setting once, each in a group and with who reads it', () => {
    const names = settings.map(([name]) => name);
    expect(names.filter((name) => told[name] === undefined)).toEqual([]);
    for (const name of names) {
      expect(groups).toContain(told[name]?.group);
      expect([name, told[name]?.readers.length]).not.toEqual([name, 0]);
    }
    const headings = [...readFileSync(file, 'utf8').matchAll(/^### `(QM_\w+)`$/gm)].map(([, name]) => name);
    expect(headings.toSorted()).toEqual(names.toSorted());
  });

  it('says the unit of every number that counts something', () => {
    const numbers = settings.filter(([name, { type }]) => type === 'integer' && !name.endsWith('PORT'));
    expect(numbers.filter(([name]) => told[name]?.unit === undefined).map(([name]) => name)).toEqual([]);
  });

  it.each(settings)('%s refuses what the page says it refuses', (name, setting) => {
    const wrong = wrongFor(name, setting);
    // Any text but an empty one may be the name of an issuer or of a host.
    if (wrong === '') return expect(setting).toMatchObject({ type: 'string', minLength: 1 });
    const faults = faultsOf({ [name]: wrong });
    expect(faults.some((fault) => fault.startsWith(`${name} must be`))).toBe(true);
    expect(faults.join()).not.toContain('secret');
  });

  it.each(together)('%s is a fault', (_, environment) => {
    expect(faultsOf(environment).length).toBeGreaterThan(0);
  });
});

it('the README gives the same defaults', () => {
  const rows = readFileSync(join(root, 'README.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| `QM_/.test(line))
    .map((row) => row.split('|').slice(1, 3));
  let compared = 0;
  for (const [cell = '', usual = ''] of rows) {
    const defaults = [...cell.matchAll(/`(QM_\w+)`/g)].map(
      ([, name]) => settings.find(([setting]) => setting === name)?.[1].default,
    );
    const shared = [...new Set(defaults.filter((value) => value !== undefined).map(String))];
    // A comma within one default has no space behind it.
    const said = usual
      .replaceAll('`', '')
      .split(', ')
      .map((word) => word.trim());
    for (const value of shared) expect([cell, said]).toEqual([cell, expect.arrayContaining([value])]);
    // A default that the code has not.
    if (defaults.every((value) => value === undefined))
      expect([cell, /^\d+$/.test(usual.trim())]).toEqual([cell, false]);
    compared += shared.length;
  }
  expect(compared).toBeGreaterThan(25);
});
