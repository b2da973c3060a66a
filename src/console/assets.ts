import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import { assert } from '../core/errors.ts';
import { packageRoot } from '../db/root.ts';

/** A file as the browser gets it. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
}

/** All files of the page, by their path below `/console/assets/VERSION/`. */
export interface Assets {
  /** Changes with any byte of any file, so that a browser may keep what it has for ever. */
  readonly version: string;
  readonly files: ReadonlyMap<string, Asset>;
  /** Where the page begins. */
  readonly entry: string;
  /** What the entry imports, and what that imports: the browser is told of all before it has read the first. */
  readonly modules: readonly string[];
  /** What the view at `/console` needs besides: most come there first, and it is fetched with the rest. */
  readonly first: readonly string[];
  readonly styles: readonly string[];
}

/** The libraries that the page imports by name: the file that is meant, and others beside it that are asked for by path. */
const libraries: Readonly<Record<string, { readonly main: string; readonly parts?: readonly string[] }>> = {
  'lit-html': {
    main: 'lit-html.js',
    parts: [
      'directive.js',
      'directives/class-map.js',
      'directives/if-defined.js',
      'directives/live.js',
      'directives/ref.js',
      'directives/repeat.js',
      'directive-helpers.js',
      'async-directive.js',
    ],
  },
  'openapi-fetch': { main: 'dist/index.mjs' },
  uplot: { main: 'dist/uPlot.esm.js' },
};

/** Written into modules; a browser has no folder of packages. */
const BY_NAME = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])((?:@[^/'"]+\/)?[^./'"][^/'"]*)((?:\/[^'"]*)?)\2/g;
/** Static ones alone: what is loaded later is not fetched ahead. */
const STATIC_IMPORT = /\bfrom\s*(['"])([^'"]+)\1/g;

const STATIC = 'src/console/static';

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'text/javascript; charset=utf-8',
};

/**
 * Reads the page once, as it lies in a checkout (TypeScript, of which the types are taken away here) or in a build
 * (JavaScript). Paths stay as they are in the tree, so that one file finds the other; libraries are put below `vendor`.
 */
export function readAssets(): Assets {
  const here = import.meta.dirname;
  // Of a build this is `dist`, which has the same tree.
  const root = join(here, '..', '..');
  const files = new Map<string, Asset>();
  for (const folder of [join(here, 'page'), join(root, 'clients', 'typescript', 'src')]) {
    for (const path of filesOf(folder, /(?<!\.d|^schema)\.[tj]s$/)) {
      const name = nameOf(root, path);
      files.set(name, asset(path, Buffer.from(named(scriptOf(path), name))));
    }
  }
  // What no compiler touches lies where it is written, of a build too.
  for (const path of filesOf(join(packageRoot(), STATIC), /\.(css|svg)$/)) {
    files.set(nameOf(packageRoot(), path), asset(path, readFileSync(path)));
  }
  for (const [library, { main, parts = [] }] of Object.entries(libraries)) {
    const folder = packageFolder(library);
    for (const part of [main, ...parts]) {
      const path = join(folder, part);
      files.set(
        `vendor/${library}/${part}`,
        asset(path, Buffer.from(withoutMap(readFileSync(path, 'utf8')))),
      );
    }
  }
  const styleOf = join(packageFolder('uplot'), 'dist/uPlot.min.css');
  files.set('vendor/uplot/uPlot.min.css', asset(styleOf, readFileSync(styleOf)));
  const find = (wanted: RegExp) => [...files.keys()].find((name) => wanted.test(name));
  const entry = find(/^src\/console\/page\/main\.[jt]s$/);
  const first = find(/^src\/console\/page\/views\/quarters\.[jt]s$/);
  assert(entry !== undefined && first !== undefined, 'the page has a beginning');
  const modules = reachable(files, entry);
  const version = createHash('sha256');
  for (const [name, { body }] of [...files].toSorted()) version.update(`${name}\0`).update(body);
  return {
    version: version.digest('base64url').slice(0, 16),
    files,
    entry,
    modules,
    first: reachable(files, first).filter((name) => !modules.includes(name)),
    styles: [...files.keys()].filter((name) => name.startsWith(`${STATIC}/`) && name.endsWith('.css')),
  };
}

function asset(path: string, body: Buffer): Asset {
  const ending = /\.[^.]+$/.exec(path)?.[0] ?? '';
  return { type: types[ending] ?? 'application/octet-stream', body, gzipped: gzipSync(body) };
}

function filesOf(folder: string, wanted: RegExp): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && wanted.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

function nameOf(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}

function packageFolder(library: string): string {
  const { main } = libraries[library] ?? { main: '' };
  // A package may keep its package.json to itself; its main file it gives.
  const found = createRequire(import.meta.url).resolve.paths(library) ?? [];
  for (const folder of found) {
    try {
      readFileSync(join(folder, library, main));
      return join(folder, library);
    } catch {
      // Not here: the next folder up.
    }
  }
  assert(false, `the package ${library} is not installed`);
}

function scriptOf(path: string): string {
  const source = readFileSync(path, 'utf8');
  if (!path.endsWith('.ts')) return withoutMap(source);
  // Node warns that the function is new. It is what runs every other file of a checkout, and a build does without.
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** What leads to a map that is not served. */
function withoutMap(script: string): string {
  return script.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
}

/** The same module with the paths of the libraries instead of their names. */
function named(script: string, name: string): string {
  const up = '../'.repeat(name.split('/').length - 1);
  return script.replace(BY_NAME, (whole, before: string, quote: string, library: string, part: string) => {
    const known = libraries[library];
    if (known === undefined) return whole;
    return `${before}${quote}${up}vendor/${library}/${part === '' ? known.main : part.slice(1)}${quote}`;
  });
}

/** A module and all that it imports at once, each once. */
function reachable(files: ReadonlyMap<string, Asset>, entry: string): string[] {
  const found = new Set<string>();
  const visit = (name: string) => {
    const file = files.get(name);
    if (file === undefined || found.has(name)) return;
    found.add(name);
    for (const [, , specifier = ''] of file.body.toString().matchAll(STATIC_IMPORT)) {
      if (specifier.startsWith('.')) visit(join(dirname(name), specifier).split(sep).join('/'));
    }
  };
  visit(entry);
  return [...found];
}
