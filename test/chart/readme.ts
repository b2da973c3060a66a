import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';

export interface Value {
  readonly path: string;
  readonly fallback: string;
  /** Empty where a value has no documentation of its own. */
  readonly what: string;
}

/** Every value of values.yaml that is documented or that nothing above it documents, in the order of the file. */
export function documentedValues(text: string): Value[] {
  const { contents } = parseDocument(text);
  return isMap(contents) ? valuesOf(contents as YAMLMap, '', false) : [];
}

function valuesOf(map: YAMLMap, above: string, covered: boolean): Value[] {
  return map.items.flatMap((pair: Pair) => {
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    const path = above === '' ? key : `${above}.${key}`;
    // The parser hangs the comment over the first key of a map on the map.
    const first = pair === map.items[0] ? map.commentBefore : undefined;
    const what = documentation((isScalar(pair.key) ? pair.key.commentBefore : undefined) ?? first ?? '');
    const inner = isMap(pair.value) && pair.value.items.length > 0 ? (pair.value as YAMLMap) : undefined;
    if (what !== '') return [{ path, fallback: shown(pair.value), what }];
    if (inner !== undefined) return valuesOf(inner, path, covered);
    return [{ path, fallback: shown(pair.value), what }];
  });
}

/** The text behind the last `--`; what stands before it is for readers of the file alone. */
function documentation(comment: string): string {
  const [, text] = /(?:^|\n) -- ([\s\S]*)$/.exec(comment) ?? [];
  return (text ?? '').replace(/\n\s*/g, ' ').trim();
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? 'null';
  return json === 'null' ? '' : json;
}

/** The README of the chart: what people wrote, and the table of all values in the place of `<!-- values -->`. */
export function renderReadme(head: string, values: readonly Value[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const rows = values.map(
    ({ path, fallback, what }) =>
      `| \`${path}\` | ${fallback === '' ? '' : `\`${cell(fallback)}\``} | ${cell(what)} |`,
  );
  const table = ['| value | default | |', '|---|---|---|', ...rows].join('\n');
  return head.replace('<!-- values -->', () => table);
}
