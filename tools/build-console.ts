// Puts the page together for an image, which has no bundler: `npm run build`, or into another folder, `node tools/build-console.ts DIR`.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PAGE_FILE } from '../src/console/assets.ts';
import { bundlePage } from '../src/console/bundle.ts';
import { packageRoot } from '../src/db/root.ts';

const folder = process.argv[2] ?? join(packageRoot(), 'dist', 'console');
const { files, ...known } = await bundlePage();
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
for (const [name, contents] of files) await writeFile(join(folder, name), contents);
await writeFile(join(folder, PAGE_FILE), JSON.stringify(known));
