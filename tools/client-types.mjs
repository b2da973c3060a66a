// Writes clients/typescript/src/schema.ts from docs/reference/openapi.json. The generator needs an older compiler than the
// house has, so both are fetched for this run alone, pinned; the tests compare the document's digest in the first line.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const document = join(root, 'docs', 'reference', 'openapi.json');
const types = join(root, 'clients', 'typescript', 'src', 'schema.ts');

const folder = mkdtempSync(join(tmpdir(), 'quartermaster-types-'));
try {
  const made = join(folder, 'schema.ts');
  const words = [
    '--yes',
    '-p',
    'openapi-typescript@7.13.0',
    '-p',
    'typescript@5.9.3',
    'openapi-typescript',
    document,
  ];
  // Elsewhere than in the checkout, whose own compiler would be found first.
  const run = spawnSync('npx', [...words, '--output', made], { cwd: folder, stdio: ['ignore', 2, 2] });
  if (run.status !== 0) process.exit(run.status ?? 1);
  const digest = createHash('sha256').update(readFileSync(document)).digest('hex');
  writeFileSync(
    types,
    `// Generated from docs/reference/openapi.json, sha256 ${digest}.\n${readFileSync(made, 'utf8')}`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
