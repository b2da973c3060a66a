import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/db/root.ts';

// Every link of every page leads to a file that is there, and to a heading that is in it.

const root = packageRoot();
const left = new Set(['node_modules', 'var', 'dist', '.git', '.bin']);

function pagesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return left.has(entry.name) ? [] : pagesIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

// The head of the chart's README is read where it stands in the end.
const pages = pagesIn(root).filter((path) => !path.endsWith('readme-head.md'));

/** The text without code, in which brackets are no links and hashes no headings. */
function proseOf(text: string): string {
  return text.replace(/^(`{3,}).*\n[\s\S]*?^\1$/gm, '').replace(/<!--[\s\S]*?-->/g, '');
}

/** The names of a page's headings as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');
    const slug = plain
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    let name = slug;
    for (let count = 1; anchors.has(name); count++) name = `${slug}-${count}`;
    anchors.add(name);
  }
  for (const [, id] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id ?? '');
  return anchors;
}

/** What is wrong with a link of a page; undefined where it leads somewhere. */
function faultOf(page: string, target: string): string | undefined {
  const [path = '', anchor] = decodeURI(target).split('#');
  const file = path === '' ? page : resolve(dirname(page), path);
  if (relative(root, file).startsWith('..')) return 'leads out of the repository';
  if (!existsSync(file)) return 'is not there';
  if (anchor === undefined || statSync(file).isDirectory() || !file.endsWith('.md')) return undefined;
  return anchorsOf(readFileSync(file, 'utf8')).has(anchor) ? undefined : 'has no such heading';
}

it('every link of every page leads somewhere', () => {
  const links = pages.flatMap((page) => {
    // Code within a line may look like a link too.
    const prose = proseOf(readFileSync(page, 'utf8')).replace(/(`+)[^`\n]+?\1(?!\])/g, (code) =>
      code.replace(/[[\]]/g, ''),
    );
    return [...prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)]
      .map(([, target = '']) => ({ page, target }))
      .filter(({ target }) => !/^[a-z]+:/.test(target));
  });
  expect(links.length).toBeGreaterThan(150);
  const faults = links.flatMap(({ page, target }) => {
    const fault = faultOf(page, target);
    return fault === undefined ? [] : [`${relative(root, page)}: ${target} ${fault}`];
  });
  expect(faults).toEqual([]);
});

it('finds a heading by the name that GitHub gives it', () => {
  const text = '# One & two: `run JOB`\n```sh\n# no heading\n```\n## Same\n## Same\n';
  expect([...anchorsOf(text)]).toEqual(['one--two-run-job', 'same', 'same-1']);
});
