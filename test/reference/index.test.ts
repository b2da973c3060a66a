import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'reference');
const page = readFileSync(join(folder, 'README.md'), 'utf8');
const links = [...page.matchAll(/\]\(([^)#]+)/g)].map(([, to = '']) => to);

it('docs/reference/README.md leads to every page of the folder', () => {
  const pages = readdirSync(folder).filter((name) => name !== 'README.md');
  expect(pages.filter((name) => !links.includes(name))).toEqual([]);
});

it('and to none that is not there', () => {
  expect(links.filter((to) => !existsSync(join(folder, to)))).toEqual([]);
});
