// Writes the Grafana dashboards of the chart. Panels are described in tools/dashboards; a test compares the two.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './dashboards/dashboard.ts';
import { finance } from './dashboards/finance.ts';
import { ops } from './dashboards/ops.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'helm', 'quartermaster', 'files', 'dashboards');

mkdirSync(folder, { recursive: true });
for (const [name, dashboard] of Object.entries({ ops, finance })) {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(build(dashboard)));
  // Written as every JSON file of the project is, so that `npm run check` has nothing to say.
  execFileSync(join(root, 'node_modules', '.bin', 'biome'), ['format', '--write', file], {
    stdio: 'inherit',
  });
}
