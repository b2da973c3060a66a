import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandsOf, commandTree, isLeaf } from '../cli/tree.ts';
import { renderCommands, renderSchemas } from './cli-page.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'reference');
const program = commandTree();

const pages = [
  ['cli.md', renderCommands],
  ['cli-json.md', renderSchemas],
] as const;

describe.each(pages)('docs/reference/%s', (name, render) => {
  it('is what the program says (QM_TEST_WRITE_DOCS=1 writes it)', () => {
    const page = render(program);
    if (process.env.QM_TEST_WRITE_DOCS === '1') writeFileSync(join(folder, name), page);
    expect(readFileSync(join(folder, name), 'utf8')).toBe(page);
  });

  it('has every command, and no link of it leads nowhere', () => {
    const page = readFileSync(join(folder, name), 'utf8');
    for (const [path, command] of commandsOf(program)) {
      if (path === '' || !isLeaf(command) || (name === 'cli-json.md' && command.output === undefined))
        continue;
      expect(page).toMatch(new RegExp(`^##+ \`${path}\`$`, 'm'));
    }
    for (const [, file = '', anchor = ''] of page.matchAll(/\]\(([\w./-]*)#([\w-]+)\)/g)) {
      const target = file === '' ? page : readFileSync(join(folder, file), 'utf8');
      const anchors = [...target.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
      );
      expect(anchors).toContain(anchor);
    }
  });
});
