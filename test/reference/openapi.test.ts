import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { emptyHouse, inject } from '../http/house.ts';

const root = join(import.meta.dirname, '..', '..');
const file = join(root, 'docs', 'reference', 'openapi.json');
const types = join(root, 'clients', 'typescript', 'src', 'schema.ts');

async function document(): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const app = createApp(emptyHouse({ version }));
  return `${JSON.stringify((await inject(app, { url: '/openapi.json' })).json(), undefined, 2)}\n`;
}

it('docs/reference/openapi.json is what the API answers (npm run docs:openapi writes it)', async () => {
  const now = await document();
  if (process.env.QM_TEST_WRITE_DOCS === '1') writeFileSync(file, now);
  expect(readFileSync(file, 'utf8')).toBe(now);
});

it.skipIf(process.env.QM_TEST_WRITE_DOCS === '1')(
  'the types of the client are those of this document (npm run client:types writes them)',
  () => {
    const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
    expect(readFileSync(types, 'utf8').split('\n', 1)[0]).toBe(
      `// Generated from docs/reference/openapi.json, sha256 ${digest}.`,
    );
  },
);
