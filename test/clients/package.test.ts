import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as source from '../../clients/typescript/src/index.ts';
import { isRepeatable, takesKey } from '../../clients/typescript/src/repeatable.ts';
import { packageRoot } from '../../src/db/root.ts';
import { emptyHouse, TOKEN } from '../http/house.ts';
import { serve } from './house.ts';

const root = packageRoot();
const run = promisify(execFile);
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const packed = join(root, 'clients', 'typescript');

let folder: string;
/** Where the package is installed, as by `npm install` of what `npm pack` made. */
let installed: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quartermaster-client-'));
  const copy = join(folder, 'package');
  await cp(packed, copy, { recursive: true, filter: (path) => !/[\\/](dist|node_modules)$/.test(path) });
  await mkdir(join(folder, 'node_modules'));
  await symlink(join(root, 'node_modules', 'openapi-fetch'), join(folder, 'node_modules', 'openapi-fetch'));
  // It is built where it lies, by the compiler of the house and by its own settings.
  await run(process.execPath, [tsc, '-p', copy]);
  // The list of files and the archive are npm's, of the built folder; nothing is fetched.
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--offline', '--json'], { cwd: copy });
  const [{ filename }] = Object.values(JSON.parse(stdout)) as [{ filename: string }];
  const consumer = join(folder, 'consumer');
  installed = join(consumer, 'node_modules', '@quartermaster', 'client');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(copy, filename), '-C', installed, '--strip-components=1']);
  await symlink(join(root, 'node_modules', 'openapi-fetch'), join(consumer, 'node_modules', 'openapi-fetch'));
  await symlink(
    join(root, 'node_modules', 'openapi-typescript-helpers'),
    join(consumer, 'node_modules', 'openapi-typescript-helpers'),
  );
  await writeFile(join(consumer, 'package.json'), '{"type":"module"}');
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const consumer = () => join(folder, 'consumer');

describe('the package', () => {
  it('is JavaScript and types, with its README and its licence, and nothing of the house', async () => {
    const { stdout } = await run('tar', ['-tzf', join(folder, 'package', 'quartermaster-client-0.1.0.tgz')]);
    const files = stdout.trim().split('\n').sort();
    expect(files).toContain('package/LICENSE');
    expect(files).toContain('package/README.md');
    expect(files).toContain('package/dist/index.js');
    expect(
      files.filter(
        (file) => !/^package\/(dist\/[a-z-]+\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(file),
      ),
    ).toEqual([]);
    const read = (path: string) => readFile(path, 'utf8').then(JSON.parse);
    const own = await read(join(packed, 'package.json'));
    const house = await read(join(root, 'package.json'));
    expect(own.version).toBe(house.version);
    expect(own.dependencies).toEqual({ 'openapi-fetch': house.dependencies['openapi-fetch'] });
    expect(own.devDependencies.typescript).toBe(house.devDependencies.typescript);
    expect(await readFile(join(packed, 'LICENSE'), 'utf8')).toBe(
      await readFile(join(root, 'LICENSE'), 'utf8'),
    );
  });

  it('runs under plain Node, and has all that its sources have', async () => {
    const url = await serve(emptyHouse());
    const program = join(consumer(), 'use.js');
    await writeFile(
      program,
      `import * as client from '@quartermaster/client';
       const api = client.createClient({ baseUrl: ${JSON.stringify(url)}, key: ${JSON.stringify(TOKEN)} });
       const { data } = await api.GET('/v1/ledgers');
       const refused = await api.transactions.get('main', '0199d5d0-0000-7000-8000-000000000000').catch((error) => error);
       console.log(JSON.stringify({
         names: Object.keys(client).sort(), data, minor: String(client.toMinor('12.50', 2)),
         error: [refused instanceof client.QuartermasterError, refused.status, refused.code],
       }));`,
    );
    const { stdout, stderr } = await run(process.execPath, ['--no-experimental-strip-types', program]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      names: Object.keys(source).sort(),
      data: { ledgers: [expect.objectContaining({ name: 'main' })] },
      minor: '1250',
      error: [true, 404, 'transaction_not_found'],
    });
  });

  it('has types that a project of its own is checked by', async () => {
    const uses = (
      program: string,
    ) => `import { createClient, QuartermasterError } from '@quartermaster/client';
      const api = createClient({ baseUrl: '' });
      ${program}`;
    const settings = {
      strict: true,
      noEmit: true,
      target: 'es2022',
      lib: ['es2022', 'dom'],
      types: [],
      module: 'nodenext',
      skipLibCheck: false,
    };
    await writeFile(
      join(consumer(), 'tsconfig.json'),
      JSON.stringify({ compilerOptions: settings, files: ['use.ts'] }),
    );
    const check = async (program: string) => {
      await writeFile(join(consumer(), 'use.ts'), uses(program));
      return run(process.execPath, [tsc, '-p', consumer()]).then(
        () => '',
        ({ stdout }: { stdout: string }) => stdout,
      );
    };
    const posting = (amount: string) =>
      `await api.transactions.post('main', { postings: [{ from: 'a:A', to: 'b:A', amount: ${amount}, currency: 'EUR' }] });`;
    expect(
      await check(`for await (const { amount } of api.transactions.list('main', { status: 'SUCCESS', limit: 5 })) amount.padStart(1);
        const asked = await api.quarters.run('2024q1', 'close');
        if (!asked.done) await api.waitForJob(asked.job);
        (await api.GET('/v1/quarters')).data?.quarters[0]?.state satisfies string | undefined;
        ${posting('1250n')} ${posting("'1250'")}
        export const code = (error: QuartermasterError) => error.code;`),
    ).toBe('');
    // Where the types were lost, these would be taken.
    const wrong = [
      posting('12.5'),
      "await api.quarters.run('2024q1', 'burn');",
      "await api.GET('/v1/nothing', {});",
    ];
    const told = await check(wrong.join('\n'));
    for (const line of [3, 4, 5]) expect(told).toContain(`use.ts(${line},`);
    expect(told).toContain("Type 'number' is not assignable to type 'Amount'");
  });

  it('uses nothing that only Node has', async () => {
    const { include, compilerOptions } = JSON.parse(await readFile(join(packed, 'tsconfig.json'), 'utf8'));
    expect({ include, types: compilerOptions.types }).toEqual({ include: ['src'], types: [] });
  });
});

describe('what is tried again', () => {
  interface Document {
    paths: Record<
      string,
      Record<string, { parameters?: { in: string; name: string }[]; operationId: string }>
    >;
  }
  const operations = async () => {
    const { paths }: Document = JSON.parse(await readFile(join(root, 'docs/reference/openapi.json'), 'utf8'));
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        path,
        method: method.toUpperCase(),
        ...operation,
      })),
    );
  };

  it('under a key is what the document says takes one', async () => {
    const documented = (await operations()).filter(({ parameters = [] }) =>
      parameters.some((parameter) => parameter.in === 'header' && parameter.name === 'Idempotency-Key'),
    );
    const taken = (await operations()).filter(({ method, path }) => takesKey(method, path));
    expect(documented.length).toBe(4);
    expect(taken.map(({ operationId }) => operationId)).toEqual(
      documented.map(({ operationId }) => operationId),
    );
  });

  it('without one is what reads, and the verbs of a quarter', async () => {
    const repeated = (await operations()).filter(({ method, path }) =>
      isRepeatable(new Request(`http://ledger.test${path.replaceAll(/\{\w+\}/g, 'x')}`, { method })),
    );
    for (const { method, path } of repeated) {
      if (method !== 'GET') expect(path).toMatch(/^\/v1\/quarters\/\{quarter\}\/[a-z]+$/);
    }
    expect(repeated.filter(({ method }) => method === 'POST').length).toBe(12);
  });
});
