import { isHouse, offsets, type Rule } from './rules.ts';
import type { Source } from './source.ts';

/** Columns that indexes begin with or go by. Wrapped into something, they are no condition of an index any more. */
const COLUMNS =
  '(?:[a-z]\\w*\\.)?"?(?:created_at|ledger_id|user_id|status|reference_code|account_id|entity_id|group_type|country_code|phone_number|id|key|day|snapshot_date|quarter|expires_at)"?(?!\\w)';

/** Where a condition begins: after a word of SQL, or with a fragment of it. */
const CONDITION = '(?:\\b(?:WHERE|AND|OR|ON|NOT|USING)\\s+|\\bsql(?:<[^`]*?>)?`\\s*)\\(*';

/** What makes another value of a column, wherever it stands in a comparison. */
const MAKERS =
  '(?:date|date_trunc|date_part|extract|lower|upper|to_char|left|right|substr|substring|trim|md5|cast|CAST|EXTRACT)';

/** Statements begin so, and what is put behind one begins so. */
const BEGINNING =
  '(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|ALTER|CREATE|DROP|TRUNCATE|COPY|GRANT|SET|EXPLAIN|DECLARE|ANALYZE|VACUUM|REINDEX)\\b';
const ENDING = '(?:WHERE|AND|OR|ORDER BY|GROUP BY|LIMIT|FROM|JOIN|VALUES|RETURNING|SET)\\b';

/** What may stand between LIKE and the text that it begins with: brackets, and what puts texts or lists of them together. */
const BEFORE_PATTERN = String.raw`\s*(?:(?:\(|\[|\b(?:ANY|ALL|ARRAY|concat|CAST|E)(?!\w))\s*)*`;

type Exceptions = Readonly<Record<string, string>>;

/** Where a star names what somebody else decides. */
const starred: Exceptions = {
  'src/archive/contents.ts':
    'DuckDB: the view has the columns of its files, and each query reads what it names',
  'src/archive/lookup.ts': 'DuckDB: of a star it reads from Parquet only what the statement around it names',
  'sql/migrations/0019_reports.up.sql':
    'of VALUES that stand there: the views that are made name their columns',
  'src/cli/query.ts': 'an example of what a person may ask',
};

/** Who writes SQL that takes no parameters: DDL, mostly, whose names go through identifier(). */
const raw: Exceptions = {
  'src/db/catalog.ts': 'a condition of the catalog that two statements share; it has no input',
  'src/db/own-tables.ts': 'the same condition',
  'src/db/routing.ts': 'one constant, sent by Kysely and by node-postgres',
  'src/db/schema-version.ts': 'constants, sent by Kysely and by node-postgres',
  'src/db/migrate.ts': 'the files of sql/migrations',
  'src/db/partition.ts': 'DDL of partitions',
  'src/db/partition-index.ts': 'DDL of the indexes of partitions',
  'src/db/index-build.ts': 'DDL of indexes, from the catalog',
  'src/db/index-shape.ts': 'DDL of indexes, and an expression over the catalog that two statements share',
  'src/db/concurrent-index.ts': 'DDL of indexes',
  'src/db/index-file-build.ts': 'who holds a lock, which two statements share; its name is a constant',
  'src/db/grants-apply.ts': 'GRANT, REVOKE and ALTER … OWNER, of the catalog and a list of ours',
  'src/db/drop-tables.ts': 'DROP TABLE, with names from identifier()',
  'src/quarters/drift-read.ts': 'a list of columns of the catalog, which is a constant',
  'src/quarters/drift-fix.ts': 'DDL that drift-remedy makes of the catalog',
  'src/quarters/drift-fence.ts': 'DDL of the fence',
  'src/quarters/restore-into.ts': 'DDL of constraints, made of the catalog',
  'src/quarters/restore-tables.ts': 'DDL of constraints and ATTACH',
  'src/quarters/side-copy.ts': 'DDL of the schema of copies',
  'src/quarters/table-digest.ts':
    'the digest, which PostgreSQL and DuckDB compute from one text (core/digest.ts)',
  'src/db/frozen.ts': 'VACUUM, with names from identifier()',
  'src/summaries/index-bloat.ts': 'the function that measures, by the schema it was found in',
  'src/summaries/index-facts.ts': 'an expression over the catalog that two statements share',
  'src/summaries/index-reindex.ts': 'REINDEX, with names from identifier()',
  'src/summaries/daily.ts': 'the partition of a quarter, named by partitionSql()',
  'src/summaries/reports.ts': 'GRANT and REVOKE, with names from identifier()',
  'src/summaries/analyze.ts': 'ANALYZE, with names from identifier()',
};

/** Who hands node-postgres a text that is put together. */
const assembled: Exceptions = {
  'src/db/adhoc.ts':
    "the query is a person's own, in a read-only transaction, and DECLARE takes no parameters",
  'src/db/embedded-cluster.ts': 'DDL of the role and the database, quoted',
  'src/db/read-only.ts':
    'two statements in one message, which takes no parameters: a rounded number and a constant',
  'src/db/copy.ts': 'settings by constants, and COPY of a statement that is made of quoted names',
};

/** Where a statement is read from sql/queries. */
const readers: Exceptions = {
  'src/ledger/query.ts': 'reads sql/queries',
  'src/db/transact.ts': 'BEGIN, COMMIT and ROLLBACK',
};

/** The rules about SQL, in files of its own and in TypeScript. */
export const sqlRules: Rule[] = [
  {
    name: 'columns are named',
    why: 'a star reads what nobody needs, is never read from an index alone, and changes with the table',
    check: inSql(
      starred,
      new RegExp(
        [
          String.raw`\bSELECT\s+(?:DISTINCT(?:\s+ON\s*\((?:[^()]|\([^()]*\))*\))?\s*|ALL\s+)?(?:"?\w+"?\.)*\*`,
          // Behind a comma a star multiplies nothing.
          String.raw`(?<=\b(?:SELECT|RETURNING)\b[^;\x60]*,\s*)(?:"?\w+"?\.)*\*`,
          String.raw`\bRETURNING\s+(?:"?\w+"?\.)*\*`,
          String.raw`\.(?:select|returning)All\(`,
        ].join('|'),
        'g',
      ),
    ),
    wrong: [
      'sql/queries/all.sql',
      'SELECT * FROM ledger.accounts',
      'SELECT DISTINCT t.* FROM ledger.accounts AS t',
      'SELECT a.id, b.* FROM a JOIN b ON b.id = a.id',
      'SELECT a.id, * FROM a',
      'SELECT a.id, ledger.a.* FROM ledger.a',
      'SELECT DISTINCT ON (id) * FROM a',
      'SELECT DISTINCT ON (lower(id), 2) a.* FROM a',
      'SELECT DISTINCT ON (id)* FROM a',
      'UPDATE a SET n = 1 RETURNING id, *',
      'INSERT INTO a (id) VALUES (1) RETURNING *',
      "db.selectFrom('ledger.accounts').selectAll().execute()",
    ],
    right: [
      'sql/queries/count.sql',
      '-- SELECT * is not said.\nSELECT count(*), 2 * a.id, a.n * 3, sum(a.n) * 2, (a.n) * 3 FROM a WHERE EXISTS (SELECT FROM b WHERE b.id = a.id)',
    ],
  },
  {
    name: 'a condition leaves an indexed column as it is',
    why: 'a function or a cast of a column keeps its index from being used: make the other side fit, by a range for instance',
    check: inSql(
      {},
      new RegExp(
        [
          String.raw`${CONDITION}${COLUMNS}\s*::`,
          String.raw`${CONDITION}${COLUMNS}\s+AT\s+TIME\s+ZONE\b`,
          String.raw`${CONDITION}(?!now\()[a-z_]\w*\(\s*(?:[^()]*,\s*)?${COLUMNS}\s*[,)]`,
          String.raw`${CONDITION}${MAKERS}\s*\(\s*(?:[^()]*[\s,(])?${COLUMNS}`,
          String.raw`(?:[=<>]|\bIN|\bBETWEEN)\s*\(?${MAKERS}\s*\(\s*(?:[^()]*,\s*)?${COLUMNS}\s*[,)]`,
          // Of account_phones there is an index of that very expression.
          String.raw`${CONDITION}(?!p\.country_code \|\| p\.phone_number = )${COLUMNS}\s*\|\|`,
        ].join('|'),
        'g',
      ),
    ),
    wrong: [
      'sql/queries/by_day.sql',
      'SELECT a.id FROM a WHERE date(a.created_at) = $1',
      'SELECT id FROM a WHERE ledger_id = 1 AND created_at::date = $1',
      "SELECT id FROM a WHERE (created_at AT TIME ZONE 'UTC')::date = $1",
      'SELECT id FROM a JOIN b ON lower(b.user_id) = a.user_id',
      "SELECT id FROM a WHERE date_trunc('day', created_at) = $1",
      'SELECT id FROM a WHERE $1 = lower(user_id)',
      "SELECT id FROM a WHERE coalesce(status, '') = $1",
      'SELECT id FROM a WHERE CAST(id AS text) = $1',
      'SELECT id FROM a WHERE extract(year FROM created_at) = 2026',
      'SELECT id FROM a WHERE user_id || status = $1',
      "db.selectFrom('a').where(sql<boolean>`lower(user_id) = $" + '{user}`)',
    ],
    right: [
      'sql/queries/by_range.sql',
      "SELECT to_char(a.created_at, 'YYYY'), date(a.created_at) FROM a\nWHERE a.created_at >= $1::timestamptz AND a.id = ANY ($2::bigint[]) AND NOT EXISTS (SELECT FROM b WHERE b.id = a.id)\n  AND p.country_code || p.phone_number = $3 AND now() < a.expires_at",
    ],
  },
  {
    name: 'texts are looked for from their beginning',
    why: 'no index finds what stands somewhere in a text: search by a prefix, as transactions_by_reference does',
    check: inSql(
      {},
      new RegExp(
        [
          // The operators are what LIKE and ILIKE stand for.
          String.raw`\bILIKE\b|['"]ilike['"]|~~\*`,
          String.raw`(?:\bLIKE|~~)${BEFORE_PATTERN}(?:'|\$\{\s*[\x60'"])[%_]`,
          String.raw`\bSIMILAR\s+TO\b`,
          String.raw`['"](?:like|~~)['"],\s*['"\x60][%_]`,
        ].join('|'),
        'g',
      ),
    ),
    wrong: [
      'src/ledger/a.ts',
      "sql`SELECT id FROM a WHERE name LIKE '%x'`",
      "sql`SELECT id FROM a WHERE name LIKE '%' || $" + '{x}`',
      'sql`SELECT id FROM a WHERE name ILIKE $' + '{x}`',
      'sql`SELECT id FROM a WHERE name LIKE $' + '{`%$' + '{x}%`}`',
      'sql`SELECT id FROM a WHERE name LIKE $' + "{'%' + x}`",
      "sql`SELECT id FROM a WHERE name LIKE ('%x')`",
      "sql`SELECT id FROM a WHERE name LIKE concat('%', $" + '{x})`',
      "sql`SELECT id FROM a WHERE name LIKE ANY (ARRAY['%x'])`",
      "sql`SELECT id FROM a WHERE name LIKE E'%x'`",
      "sql`SELECT id FROM a WHERE name ~~ '%x'`",
      'sql`SELECT id FROM a WHERE name ~~* $' + '{x}`',
    ],
    right: [
      'sql/queries/prefix.sql',
      "SELECT id FROM a WHERE name LIKE 'x%' AND name LIKE ($1 || '%') AND name ~~ concat($1, '%') -- LIKE '%x'",
    ],
  },
  {
    name: 'pages go on behind a row',
    why: 'OFFSET reads all pages before the one that is wanted: compare with the last row of the page before (OFFSET 0 is a fence and reads nothing)',
    check: inSql(
      { 'src/core/quarter.ts': 'the offset of a zone' },
      /\bOFFSET\b(?!\s+0\s*(?:[)\x60;]|$|(?:LIMIT|FETCH|FOR)\b))|\.offset\(/g,
    ),
    wrong: [
      'sql/queries/page.sql',
      'SELECT id FROM a ORDER BY id LIMIT 10 OFFSET $1',
      'SELECT id FROM a ORDER BY id OFFSET 10 LIMIT 10',
      'SELECT id FROM a ORDER BY id OFFSET 0 + $2',
      'SELECT id FROM a ORDER BY id OFFSET 0::bigint + $2',
      'SELECT id FROM a ORDER BY id OFFSET($2)',
      "db.selectFrom('a').select('id').offset(20)",
    ],
    right: [
      'sql/queries/fence.sql',
      'SELECT id FROM (SELECT id FROM (SELECT id FROM a OFFSET 0 LIMIT 2) AS a OFFSET 0\n) AS a OFFSET 0\n',
    ],
  },
  {
    name: 'values are parameters',
    why: 'a text that is put together may be made to say something else: give sql`…` its values, and names to identifier()',
    check: (file) => [
      // One name of identifier() or partitionSql() is quoted there and then.
      ...allowing(raw, file, /\bsql\s*\.\s*raw\b(?!\((?:identifier|partitionSql)\([^()]*\)\))/g),
      ...allowing(
        assembled,
        file,
        /\.query(?:<[^()]*?>)?\(\s*`[^`]*\$\{|\.query(?:<[^()]*?>)?\(\s*(?:'[^']*'|\w+)\s*\+/g,
      ),
      ...allowing(readers, file, /\bCompiledQuery\s*\.\s*raw\b/g),
      ...allowing(
        {},
        file,
        new RegExp(String.raw`(['"\x60])${BEGINNING}[^'"\x60\n]*\1\s*\+|\+\s*['"\x60]\s*${ENDING}`, 'g'),
      ),
    ],
    wrong: [
      'src/ledger/a.ts',
      'sql.raw(`SELECT id FROM a WHERE name = $' + '{name}`)',
      'client.query(`SELECT id FROM a WHERE id = $' + '{id}`)',
      'client.query<Row>(text + id)',
      "const text = 'DELETE FROM a WHERE id = ' + id;",
      "const text = base + ' WHERE id = 1';",
      'CompiledQuery.raw(text)',
    ],
    right: [
      'src/ledger/a.ts',
      'sql`SELECT id FROM $' +
        "{sql.raw(identifier('a'))} WHERE id = $" +
        "{id}`; client.query('SELECT 1 + 2', [id]);",
    ],
  },
];

/** Matches in SQL of production, statements and migrations alike, except in the files named. */
function inSql(exceptions: Exceptions, pattern: RegExp): (file: Source) => number[] {
  return (file) => allowing(exceptions, file, pattern);
}

function allowing(exceptions: Exceptions, { path, code }: Source, pattern: RegExp): number[] {
  const isSql = isHouse(path) || path.startsWith('sql/');
  return isSql && exceptions[path] === undefined ? offsets(code, pattern) : [];
}
