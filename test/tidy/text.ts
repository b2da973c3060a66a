import { isHouse, nowhere, offsets, outside, type Rule } from './rules.ts';
import type { Source } from './source.ts';

const LONGEST = 300;

/** The rules about what may stand in a file. */
export const textRules: Rule[] = [
  {
    name: 'process.env is read in src/platform/config.ts',
    why: 'one schema knows every setting; take it from the configuration',
    check: outside(
      /^src\/platform\/config\.ts$/,
      'code',
      /\bprocess\??\.\s*env\b|\bprocess\[['"]env|\benv\b[^{}]*\}\s*(?:=\s*process\b|from ['"](?:node:)?process['"])/g,
    ),
    wrong: ['src/db/a.ts', 'process.env.QM_PORT;', "process['env'];", "import { env } from 'node:process';"],
    right: ['src/platform/config.ts', 'const url = process.env.QM_DATABASE_URL;'],
  },
  {
    name: 'process.argv is read in src/main and src/cli',
    why: 'only the entry knows how it was called',
    check: outside(
      /^src\/(main|cli)\//,
      'code',
      /\bprocess\??\.\s*argv\b|\bprocess\[['"]argv|\bargv\b[^{}]*\}\s*(?:=\s*process\b|from ['"](?:node:)?process['"])/g,
    ),
    wrong: ['jobs/analyze.ts', 'process.argv;', 'const { argv } = process;'],
    right: ['src/main/cli.ts', 'await run(process.argv.slice(2)); // process.argv'],
  },
  {
    name: 'the time comes from a Clock',
    why: 'a test must be able to stand in any quarter; src/core/clock.ts alone asks the machine, and of the page its own clock.ts',
    check: outside(
      /^src\/(core|console\/page)\/clock\.ts$/,
      'bare',
      /\bDate\s*\.\s*now\b|\bnew Date\b(?!\s*\(\s*[^\s)])|(?<!new |[.\w])Date\(|\bDateTime\s*\.\s*(?:now|local|utc)\s*\(|\bperformance\s*\.\s*now\b|\bhrtime\b/g,
    ),
    wrong: [
      'src/core/a.ts',
      ...['`it is $' + '{new Date()}`', 'new Date;', 'Date();', 'Date.now()', 'list.map(Date.now)'],
      ...['DateTime.now()', 'performance.now()', 'process.hrtime.bigint()'],
    ],
    right: ['src/core/a.ts', 'const at = new Date( row.created_at); // new Date() and Date.now()'],
  },
  {
    name: `no file has more than ${LONGEST} lines`,
    why: 'ask what second thing lives in it, and give that a file of its own',
    check: (file) => {
      const end = offsets(file.text, /\n(?!$)/g)[LONGEST - 1];
      return end === undefined ? [] : [end + 1];
    },
    wrong: ['sql/queries/long.sql', 'select 1;\n'.repeat(LONGEST + 1)],
    right: ['sql/queries/long.sql', 'select 1;\n'.repeat(LONGEST)],
  },
  {
    name: 'no barrels',
    why: 'a file that only exports again hides where things are; import them from where they live',
    check: (file) => (isHouse(file.path) && isBarrel(file) ? [0] : []),
    wrong: [
      'src/db/index.ts',
      "// All of it.\nexport * from './pools.ts';\nexport type { A } from './a.ts';\n",
    ],
    right: ['src/db/index.ts', "export * from './pools.ts';\nexport const a = 1;\n"],
  },
  {
    name: 'files are named for what they do',
    why: 'utils, helpers, common and misc say nothing and gather everything',
    check: ({ path }) => (/(^|[/.-])(utils?|helpers?|common|misc)([/.-]|$)/.test(path) ? [0] : []),
    wrong: ['src/db/sql-utils.ts', ''],
    right: ['src/db/commons.ts', ''],
  },
  {
    name: 'no default exports',
    why: 'a thing has one name, the same everywhere',
    check: outside(nowhere, 'bare', /\bexport\s+default\b|\bas\s+default\b/g),
    wrong: ['src/db/a.ts', 'export default class {}'],
    right: ['src/db/a.ts', "const text = 'export default';"],
  },
  {
    name: 'no console',
    why: 'the logger logs and the CLI renders',
    check: outside(nowhere, 'bare', /(?<![.\w])console\s*[.[]/g),
    wrong: ['src/db/a.ts', "console.log('here');"],
    right: ['src/http/a.ts', "app.get('/console.html', this.console.page);"],
  },
  {
    name: 'nothing is left to do',
    why: 'do it, or write it down where work is planned',
    check: (file) =>
      /^(src|jobs|sql)\//.test(file.path) ? offsets(file.text, /\b(TODO|FIXME|XXX|HACK)\b/g) : [],
    wrong: ['src/db/a.ts', '// TODO: later'],
    right: ['src/db/a.ts', "const todo = 'mastodon';"],
  },
  {
    name: 'modules hold no state',
    why: 'two callers, or two tests, would share it; make it in a function and pass it on',
    check: (file) => (isHouse(file.path) ? moduleState(file.bare) : []),
    wrong: [
      'src/db/a.ts',
      'export const seen = new Map<string, { a: 1; b: 2 }>();',
      'export let count = 0;',
      'f(() => {});\nlet last: string;',
      'const list: string[] = [];',
      'const cache = {} as Cache;',
    ],
    right: [
      'src/db/a.ts',
      'const known = new Set([1]);\nfunction f() {\n  const m = new Map<{ a: 1; b: 2 }>();\n  let n = 0;\n}\nconst RE = /[{(]/;\n',
    ],
  },
  {
    name: 'the partitioned tables are append-only',
    why: 'no UPDATE, DELETE or TRUNCATE is ever sent to ledger.transactions or ledger.entries',
    check: (file) =>
      isHouse(file.path) || file.path.startsWith('sql/queries/') ? changesToTheLedger(file) : [],
    wrong: [
      'sql/queries/void.sql',
      '-- Voids.\nupdate only "ledger"."entries_2026q1"\nset amount = 0;',
      'DELETE FROM ledger.transactions',
      'delete from $' + "{sql.table('ledger.entries')}",
      'truncate table a, ledger.entries',
      'merge into ledger.entries',
      'insert into ledger.entries (id) values (1) on conflict do update set id = 2',
      "db.updateTable('ledger.transactions')",
      "db.deleteFrom('ledger.entries as e')",
    ],
    right: [
      'sql/queries/lock.sql',
      "select 'UPDATE, TRUNCATE' from ledger.entries;\ninsert into ledger.entries (amount) values (1);\nupdate ledger.balances set posted = 1; -- delete from ledger.entries\n",
    ],
  },
];

/** Only imports and exports of what others made. */
function isBarrel({ bare }: Source): boolean {
  const reexport = /\bexport\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})(?:\s*from\s*['"] *['"])?\s*;?/g;
  const imported = /\bimport\b[^'";]*['"] *['"]\s*;?/g;
  const left = bare.replace(reexport, '');
  return left !== bare && left.replace(imported, '').trim() === '';
}

/** Bindings that change, and empty collections waiting to be filled, outside every bracket. */
function moduleState(bare: string): number[] {
  const pattern =
    /[([{]|[)\]}]|\b(?:let|var)\s|\bconst(?=\s+\w+[^=;()]*=\s*(?:new\s+(?:Weak)?(?:Map|Set)\b[^()]*\(\s*\)|\[\s*\]|\{\s*\})(?:\s+as\b[^;]*)?;)/g;
  const found: number[] = [];
  let depth = 0;
  for (const { 0: token, index } of bare.matchAll(pattern)) {
    if (/^[([{]/.test(token)) depth++;
    else if (/^[)\]}]/.test(token)) depth--;
    else if (depth === 0) found.push(index);
  }
  return found;
}

/** Statements that would change a row, in SQL and in Kysely's words. Quoted names are read without their quotes. */
function changesToTheLedger({ code }: Source): number[] {
  const sql = code.replaceAll('"', ' ');
  const table = String.raw`ledger\s*\.\s*(?:transactions|entries)(?![a-z])`;
  return [
    ...offsets(
      sql,
      new RegExp(
        String.raw`\b(?:update|delete\s+from|merge\s+into)\s+(?:only\s+)?(?:\$\{[^}]*?)?${table}`,
        'gi',
      ),
    ),
    ...offsets(sql, new RegExp(String.raw`\btruncate\b[\w\s,.]*?\b${table}`, 'gi')),
    ...offsets(sql, new RegExp(String.raw`\binsert\s+into\s+${table}[^;]*?\bdo\s+update\b`, 'gi')),
    ...offsets(
      code,
      new RegExp(String.raw`\b(?:updateTable|deleteFrom|mergeInto)\(\s*['"\x60]${table}`, 'gi'),
    ),
  ];
}
