import { AppError } from '../core/errors.ts';

/** A `CREATE INDEX` as it stands in a file. Names are as PostgreSQL reads them. */
export interface IndexStatement {
  readonly isUnique: boolean;
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  /** All that stands behind the name of the table, as it was written: `USING …`, the columns, `INCLUDE`, `WITH`, `WHERE`. */
  readonly tail: string;
  /** Where it begins. */
  readonly line: number;
}

const NAME = String.raw`("(?:[^"]|"")+"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
const INDEX = new RegExp(
  String.raw`^CREATE\s+(UNIQUE\s+)?INDEX\s+(CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?${NAME}\s+ON\s+(ONLY\s+)?${NAME}\s*\.\s*${NAME}\s*((?:USING\b|\()[\s\S]*)$`,
  'i',
);

const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"/g;

/** What a statement is made of: comments, quoted text in its three forms, a semicolon, or any other character. */
const TOKEN =
  /--[^\n]*|\/\*|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|;|[\s\S]/g;

/**
 * Reads a file of `CREATE [UNIQUE] INDEX [IF NOT EXISTS] name ON schema.table …;` statements and comments. How an index is
 * built is not the file's to say, so CONCURRENTLY and ONLY are refused; so is everything else, for what is run outside of a
 * transaction and more than once has to be nothing but indexes.
 *
 * @param file its name, for the error
 * @throws AppError invalid/bad_index_file which names the line
 */
export function parseIndexFile(text: string, file: string): IndexStatement[] {
  const found = splitStatements(text, file).map(({ text: statement, line }) => {
    const refuse = (why: string) => badFile(file, line, why);
    const match = INDEX.exec(statement);
    if (match === null) {
      const start = statement.replace(/\s+/g, ' ').slice(0, 60);
      throw refuse(
        `is no index to be built: ${start}. Only CREATE [UNIQUE] INDEX [IF NOT EXISTS] name ON schema.table … may stand here`,
      );
    }
    const [, unique, concurrently, name = '', only, schema = '', table = '', tail = ''] = match;
    if (concurrently !== undefined || only !== undefined) {
      throw refuse(
        'says CONCURRENTLY or ONLY. Leave that out: every index is built without keeping writers waiting',
      );
    }
    // PostgreSQL does not print it with a definition, and what was asked for has to be compared with what is there.
    if (/\bTABLESPACE\b/i.test(tail.replace(QUOTED, ''))) {
      throw refuse('names a TABLESPACE. Leave it out: the role’s default_tablespace says where indexes lie');
    }
    const parsed = { name: unquoted(name), schema: unquoted(schema), table: unquoted(table) };
    const long = Object.values(parsed).find((one) => Buffer.byteLength(one) > 63);
    if (long !== undefined) throw refuse(`has a name of more than 63 bytes: ${long}`);
    return { ...parsed, isUnique: unique !== undefined, tail: tail.trim(), line };
  });
  if (found.length === 0)
    throw new AppError('invalid', 'bad_index_file', `${file} has no CREATE INDEX in it.`);
  const twice = found.find((one, at) =>
    found.some((other, before) => before < at && other.name === one.name && other.schema === one.schema),
  );
  if (twice !== undefined)
    throw badFile(file, twice.line, `names ${twice.schema}.${twice.name} a second time`);
  return found;
}

/** The statements without their comments, and the line on which each begins. */
function splitStatements(text: string, file: string): { text: string; line: number }[] {
  const statements: { text: string; line: number }[] = [];
  let open = '';
  let line = 0;
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length;
  const close = () => {
    if (open.trim() !== '') statements.push({ text: open.trim(), line });
    open = '';
  };
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [token, tag] = match;
    if (token === ';') close();
    else if (token.startsWith('--')) open += ' ';
    else if (token === '/*') {
      TOKEN.lastIndex = endOfComment(text, match.index) ?? text.length + 1;
      if (TOKEN.lastIndex > text.length)
        throw badFile(file, lineAt(match.index), 'begins a comment that does not end');
      open += ' ';
    } else if (token.length > 1 && token.startsWith('$') && !/[\w$]$/.test(open)) {
      const end = text.indexOf(token, TOKEN.lastIndex);
      if (end < 0) throw badFile(file, lineAt(match.index), `begins a text $${tag ?? ''}$ that does not end`);
      TOKEN.lastIndex = end + token.length;
      open += text.slice(match.index, TOKEN.lastIndex);
    } else {
      if (token.startsWith("'") && /(^|[^\w$])e$/i.test(open)) {
        // Within E'…' a backslash hides a quote from us but not from PostgreSQL, and with it whatever stands behind.
        throw badFile(file, lineAt(match.index), "has a text E'…'. Write it without escapes");
      }
      if (token === "'" || token === '"')
        throw badFile(file, lineAt(match.index), 'begins a text that does not end');
      if (open.trim() === '' && token.trim() !== '') line = lineAt(match.index);
      open += token;
    }
  }
  close();
  return statements;
}

/** Behind the end of the comment that begins at `start`: they may be nested. */
function endOfComment(text: string, start: number): number | undefined {
  let depth = 0;
  for (const { 0: mark, index } of text.slice(start).matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1;
    if (depth === 0) return start + index + 2;
  }
  return undefined;
}

/** A name as PostgreSQL takes it: in small letters unless it is quoted. */
function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}

function badFile(file: string, line: number, why: string): AppError {
  return new AppError('invalid', 'bad_index_file', `${file}, line ${line}: it ${why}.`);
}
