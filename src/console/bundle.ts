import { readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { build, stop } from 'esbuild';
import { assert } from '../core/errors.ts';
import { packageRoot } from '../db/root.ts';

/** The page as a browser gets it: a few files instead of a hundred, for each costs a way there and back. */
export interface Page {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Where it begins. */
  readonly entry: string;
  /** What the entry imports, and what that imports: the browser is told of all before it has read the first. */
  readonly modules: readonly string[];
  /** What the view at `/console` needs besides: most come there first, and it is fetched with the rest. */
  readonly first: readonly string[];
}

const HERE = 'src/console';
/** By the name of the file that each becomes. A chart's style is asked for by the chart alone. */
const entries = {
  main: `${HERE}/page/main.ts`,
  console: `${HERE}/static/console.css`,
  uplot: 'node_modules/uplot/dist/uPlot.min.css',
};
const FIRST_VIEW = `${HERE}/page/views/quarters.ts`;

/** Puts the page together from its sources: types are taken away, views stay apart, so that each is fetched when it is gone to. */
export async function bundlePage(): Promise<Page> {
  const root = packageRoot();
  try {
    const { outputFiles, metafile } = await build({
      absWorkingDir: root,
      entryPoints: entries,
      outdir: 'page',
      bundle: true,
      splitting: true,
      format: 'esm',
      // What browsers of the last years have; the styles need no less.
      target: 'es2022',
      minify: true,
      legalComments: 'inline',
      write: false,
      metafile: true,
      logLevel: 'silent',
      tsconfig: `${HERE}/page/tsconfig.json`,
    });
    const outputs = new Map(Object.entries(metafile.outputs).map(([path, made]) => [basename(path), made]));
    const outputOf = (source: string) => {
      const [name] = [...outputs].find(([, { entryPoint }]) => entryPoint === source) ?? [];
      assert(name !== undefined, `the page has ${source}`);
      return name;
    };
    /** A module and all that it imports at once, each once. */
    const reach = (name: string, found = new Set<string>()): Set<string> => {
      if (found.has(name)) return found;
      found.add(name);
      for (const { kind, path } of outputs.get(name)?.imports ?? []) {
        if (kind === 'import-statement') reach(basename(path), found);
      }
      return found;
    };
    const entry = outputOf(entries.main);
    const modules = reach(entry);
    const first = [...reach(outputOf(FIRST_VIEW))].filter((name) => !modules.has(name));
    const files = outputFiles.map(
      ({ path, contents }) => [relative(join(root, 'page'), path), contents] as const,
    );
    const icon = ['icon.svg', await readFile(join(root, HERE, 'static', 'icon.svg'))] as const;
    return { files: new Map([...files, icon]), entry, modules: [...modules], first };
  } finally {
    // Its helper process is not needed again.
    await stop();
  }
}
