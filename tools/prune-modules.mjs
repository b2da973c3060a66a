// Removes from a production node_modules what is only for people and compilers: types, source maps, and the tests,
// documents and examples of the packages. Licences stay. Runs while the image is built: `node tools/prune-modules.mjs DIR`.
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Folders of a package's own root. Deeper ones of these names may be code. */
const folders = new Set([
  'test',
  'tests',
  '__tests__',
  'docs',
  'example',
  'examples',
  'benchmark',
  'benchmarks',
  'coverage',
  '.github',
]);
/** TypeScript is for compilers; a map leads to sources that are not there. */
const files = /\.([cm]?ts|map|tsbuildinfo)$/;

/** What puts the page together, and what it is made of: a build has done that. */
const bundled = new Set([
  'esbuild',
  '@esbuild',
  'lit-html',
  'openapi-fetch',
  'openapi-typescript-helpers',
  'uplot',
]);

let bytes = 0;

/** @param {string} directory a node_modules, or the folder of a scope in it */
function pruneModules(directory) {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (!lstatSync(path).isDirectory()) continue;
    if (name === '.bin' || bundled.has(name)) remove(path);
    else if (name.startsWith('@')) pruneModules(path);
    else prunePackage(path);
  }
}

/** @param {string} directory the root of a package */
function prunePackage(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && folders.has(entry.name)) remove(path);
    else if (entry.isDirectory() && entry.name === 'node_modules') pruneModules(path);
    else pruneFiles(path);
  }
}

/** @param {string} path */
function pruneFiles(path) {
  if (lstatSync(path).isDirectory()) {
    if (basename(path) === 'node_modules') pruneModules(path);
    else for (const name of readdirSync(path)) pruneFiles(join(path, name));
  } else if (files.test(path)) remove(path);
}

/** @param {string} path */
function remove(path) {
  bytes += sizeOf(path);
  rmSync(path, { recursive: true });
}

/** @param {string} path */
function sizeOf(path) {
  const found = lstatSync(path);
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

const [directory] = process.argv.slice(2);
if (directory === undefined || basename(directory) !== 'node_modules') {
  console.error('Say which node_modules: node tools/prune-modules.mjs DIR/node_modules');
  process.exit(64);
}
pruneModules(directory);
console.log(`${(bytes / 1e6).toFixed(1)} MB removed from ${directory}`);
