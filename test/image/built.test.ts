import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/db/root.ts';
import { createDatabase } from '../support/database.ts';
import { provePods } from './pods.ts';
import { type Program, run } from './program.ts';

const root = packageRoot();
const execute = promisify(execFile);

/** The tree that the Dockerfile puts into the image, made by the same steps without one. */
let home: string;
let program: Program;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'quartermaster-built-'));
  for (const path of ['package.json', 'package-lock.json', 'LICENSE', 'bin', 'sql', 'docs/runbooks']) {
    await cp(join(root, path), join(home, path), { recursive: true });
  }
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  await execute(tsc, ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(home, 'dist')]);
  const page = join(home, 'dist', 'console');
  await execute(process.execPath, [join(root, 'tools', 'build-console.ts'), page]);
  // `npm test` tells npm below it where this checkout is, and that must not be what is installed into.
  const { npm_config_local_prefix: _, ...environment } = process.env;
  const options = ['--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await execute('npm', ['ci', '--prefix', home, ...options], { cwd: home, env: environment });
  await execute(process.execPath, [join(root, 'tools', 'prune-modules.mjs'), join(home, 'node_modules')]);
  program = {
    line: () => [process.execPath, join(home, 'bin', 'quartermaster')],
    cwd: home,
  };
}, 300_000);

afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

describe('what was built, with the dependencies of production alone,', () => {
  it('has every package that the lock file gives production, and no other', async () => {
    const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; optional?: boolean }>;
    };
    // What the page is put together with and of is in it.
    const bundled = /node_modules\/(@?esbuild|lit-html|openapi-fetch|openapi-typescript-helpers|uplot)(\/|$)/;
    const wanted = Object.entries(lock.packages).filter(
      ([path, { dev }]) => path !== '' && dev !== true && !bundled.test(path),
    );
    const installed = await packagesIn(home);
    const surplus = installed.filter((path) => !wanted.some(([other]) => other === path));
    const missing = wanted.filter(([path, { optional }]) => optional !== true && !installed.includes(path));
    expect({ surplus, missing }).toEqual({ surplus: [], missing: [] });
    expect(installed.filter((path) => /embedded|vitest|\/typescript$|testcontainers/.test(path))).toEqual([]);
    expect(installed.filter((path) => path.includes('/node-bindings-'))).toHaveLength(1);
  });

  it('is JavaScript with maps, and nothing that only a compiler or a person reads', async () => {
    const files = await readdir(home, { recursive: true });
    expect(files.filter((path) => /\.[cm]?tsx?$/.test(path))).toEqual([]);
    expect(files.filter((path) => path.startsWith('node_modules') && path.endsWith('.map'))).toEqual([]);
    expect(files).toContain(join('dist', 'src', 'main', 'cli.js.map'));
    expect(files).toContain(join('dist', 'jobs', 'index.js'));
    // Whose work it is stays said.
    const licences = files.filter((path) => /node_modules.*\blicen[cs]e/i.test(path));
    expect(licences.length).toBeGreaterThan(100);
  });

  it('says its version, and where in the sources it failed', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(await run(program, {}, '--version')).toMatchObject({ code: 0, out: `${version}\n` });

    const at = join('dist', 'src', 'cli', 'serve.js');
    const built = await readFile(join(home, at), 'utf8');
    await writeFile(
      join(home, at),
      built.replace('const context = contextOf(kit, {});', "throw new Error('broken on purpose');"),
    );
    const { code, err } = await run(program, {}, 'api');
    await writeFile(join(home, at), built);
    expect(code).toBe(70);
    expect(err).toContain('broken on purpose');
    expect(err).toMatch(/src\/cli\/serve\.ts:\d+/);
  });

  it('has no server of its own, says so, and leaves nothing behind', async () => {
    const { code, err } = await run(program, { QM_PORT: '0' }, 'dev');
    expect(err).toContain('an image and an install for production come without it');
    expect(err).toContain('[postgres_binaries_missing]');
    expect(code).toBe(78);
    expect(await readdir(home)).not.toContain('var');
  });

  it('migrates, serves, posts, archives, and stops', { timeout: 180_000 }, async () => {
    const database = await createDatabase({ migrated: false });
    const store = join(home, 'store');
    await mkdir(store);
    try {
      await provePods(program, { url: database.url, store });
    } finally {
      await database.drop();
    }
  });
});

/** The packages of a tree, as the lock file names them. */
async function packagesIn(directory: string): Promise<string[]> {
  const files = await readdir(directory, { recursive: true });
  return files
    .filter((path) => /(^|\/)node_modules\/(@[^/]+\/)?[^/@]+\/package\.json$/.test(path))
    .map((path) => dirname(path));
}
