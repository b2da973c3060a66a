/** One instruction, its lines joined; a parser directive is one named `#`. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Reads a Dockerfile, without its comments. */
export function instructionsOf(file: string): Instruction[] {
  const lines = file.split('\n');
  const directives = lines
    .slice(0, lines.findIndex((line) => !/^#\s*\w+=/.test(line)) >>> 0)
    .map((line) => ({ name: '#', text: line.replace(/^#\s*/, '') }));
  const joined = lines
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, ' ');
  return [
    ...directives,
    ...joined
      .split('\n')
      .map((line) => /^\s*(\w+)\s+(.*?)\s*$/.exec(line))
      .filter((found) => found !== null)
      .map(([, name = '', text = '']) => ({ name: name.toUpperCase(), text })),
  ];
}

/** Whether a .dockerignore leaves a path out: the last pattern that fits the path or a folder above it decides. */
export function isLeftOut(ignore: string, path: string): boolean {
  const parts = path.split('/');
  const above = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  let isOut = false;
  for (const line of ignore.split('\n').map((text) => text.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const pattern = patternOf(line.replace(/^!/, ''));
    if (above.some((each) => pattern.test(each))) isOut = !line.startsWith('!');
  }
  return isOut;
}

/** Docker's patterns: `*` stays within a name, `**` crosses any number of folders. */
function patternOf(glob: string): RegExp {
  const source = glob
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map(
      (part) =>
        ({ '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' })[part] ??
        part.replace(/[.+^${}()|[\]\\]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^${source}$`);
}
