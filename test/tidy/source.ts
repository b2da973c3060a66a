/** A file as the rules see it. The views have the length and the lines of the text, so that offsets agree. */
export interface Source {
  /** From the root of the project, with `/`. */
  readonly path: string;
  readonly text: string;
  /** Comments blanked out. */
  readonly code: string;
  /** Comments and the insides of strings, templates and regular expressions blanked out. */
  readonly bare: string;
  readonly imports: readonly Import[];
}

export interface Import {
  /** What is imported, as written; undefined when it is computed, so that nobody can tell. */
  readonly specifier: string | undefined;
  readonly offset: number;
}

/** Reads a TypeScript or SQL file into the views that rules need. */
export function source(path: string, text: string): Source {
  const spans = path.endsWith('.sql') ? sqlSpans(text) : typescriptSpans(text);
  const code = blank(
    text,
    spans.filter((span) => span.comment),
  );
  const bare = blank(text, spans);
  return { path, text, code, bare, imports: importsOf(code, bare) };
}

/** The line, from 1, that holds the offset. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly comment: boolean;
}

function blank(text: string, spans: readonly Span[]): string {
  let result = '';
  let done = 0;
  for (const { start, end } of spans) {
    result += text.slice(done, start) + text.slice(start, end).replace(/[^\n]/g, ' ');
    done = end;
  }
  return result + text.slice(done);
}

const SQL_SPAN = /--.*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g;

function sqlSpans(text: string): Span[] {
  return Array.from(text.matchAll(SQL_SPAN), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
    comment: !match[0].startsWith("'"),
  }));
}

// What may stand at the offset where code goes on; tried in this order.
const COMMENT = /\/\/.*|\/\*[\s\S]*?\*\//y;
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const REGEX = /\/(?![*/])(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//y;
// The piece of a template up to its end, or to the code that is put in.
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;
// A slash begins a regular expression, rather than divides, after these.
const BEFORE_REGEX =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|throw|else|await|yield))\s*$/;

/** Finds comments and the insides of literals. Templates hold code, which holds templates: hence the depths. */
function typescriptSpans(text: string): Span[] {
  const spans: Span[] = [];
  // For each template we are inside of: how many braces its inserted code has opened.
  const templates: number[] = [];
  let at = 0;
  const endOf = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.test(text) ? pattern.lastIndex : 0;
  };
  const readTemplate = (): void => {
    const end = endOf(TEMPLATE) || text.length;
    const inserts = text[end - 1] === '{';
    spans.push({ start: at, end: inserts ? end - 2 : end - 1, comment: false });
    if (inserts) templates.push(0);
    at = end;
  };
  while (at < text.length) {
    const character = text[at] ?? '';
    const comment = character === '/' ? endOf(COMMENT) : 0;
    const literal = comment ? 0 : literalEnd(character);
    if (comment) spans.push({ start: at, end: comment, comment: true });
    else if (literal) spans.push({ start: at + 1, end: literal - 1, comment: false });
    at = comment || literal || at + 1;
    const inserted = templates.at(-1);
    if (character === '`') readTemplate();
    else if (inserted !== undefined && character === '{') templates[templates.length - 1] = inserted + 1;
    else if (inserted !== undefined && character === '}') {
      templates.pop();
      if (inserted > 0) templates.push(inserted - 1);
      else readTemplate();
    }
  }
  return spans;

  function literalEnd(character: string): number {
    if (character === "'" || character === '"') return endOf(STRING);
    return character === '/' && BEFORE_REGEX.test(text.slice(0, at)) ? endOf(REGEX) : 0;
  }
}

// `from ''`, `import ''`, `import('')`, `require('')`: in the bare view, where a string cannot look like code.
const IMPORT =
  /(?<![.\w$])(?:(?:from|import)\s*(['"]) *\1|(?:import|require)\s*\((?:\s*(['"`]) *\2\s*[,)])?)/g;

function importsOf(code: string, bare: string): Import[] {
  return Array.from(bare.matchAll(IMPORT), ({ 0: found, index }) => {
    const quoted = /(['"`]) *\1/.exec(found);
    const start = index + (quoted?.index ?? 0) + 1;
    return {
      specifier: quoted ? code.slice(start, start + quoted[0].length - 2) : undefined,
      offset: index,
    };
  });
}
