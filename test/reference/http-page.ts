import { codes, ofAll, ofBodies } from './http-codes.ts';
import type { HttpDocument, Operation, Schema } from './http-document.ts';
import type { Example } from './http-record.ts';

/** How deep a shape is told; below that the example and the document go on. */
const DEEPEST = 3;

/** docs/reference/http.md, from the document of the routes and what was recorded of each. */
export function renderPage(document: HttpDocument, examples: Readonly<Record<string, Example>>): string {
  const { operations, tags, schemas } = document;
  const shown = new Map<string, string>();
  const used = tags.filter(({ name }) => operations.some(({ tag }) => tag === name));
  const sections = used.map(({ name, description }) => {
    const own = operations.filter(({ tag }) => tag === name);
    return `## ${titleOf(name)}\n\n${description}\n\n${own.map((operation) => renderOperation(operation, examples[operation.operationId], schemas, shown)).join('\n')}`;
  });
  const contents = used.map(({ name }) => {
    const rows = operations
      .filter(({ tag }) => tag === name)
      .map(
        ({ method, path, summary, role }) =>
          `| [${summary}](#${anchorOf(summary)}) | \`${method} ${path}\` | ${role ?? 'everybody'} |`,
      );
    return `**${titleOf(name)}**\n\n| | | role |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${head}\n${contents.join('\n')}\n${sections.join('\n')}\n## Shapes\n\nWhat several routes answer.\n\n${Object.entries(
    schemas,
  )
    .filter(([name]) => name !== 'Problem')
    .map(([name, schema]) => renderShape(name, schema, schemas))
    .join('\n')}`;
}

const head = `# HTTP API

Every route, by what it is about. \`npm run docs:reference\` writes this page from the code, and its examples from the answers of a running
demo; a test sees to it that it is fresh and complete. The same for programs is [openapi.json](openapi.json), which a running API serves
at \`/openapi.json\` and shows at \`/docs\`. From TypeScript use the [client](../../clients/typescript/README.md).

## What holds for all of them

- **Address**: \`http://127.0.0.1:7070\` unless \`QM_HOST\` and \`QM_PORT\` say otherwise; paths begin with \`/v1\`. TLS stands before it.
- **Who may call**: send \`Authorization: Bearer $KEY\`, where the key is one of \`quartermaster keys create\` or a JSON web token. A role stands
  beside each route; \`admin\` may do everything, \`writer\` and \`finance\` may read as well, and a key may be for some ledgers only. What
  changes the house as a whole (quarters, ledgers, queues) needs a key for all ledgers, and so does reading what is marked *all ledgers*.
  The page at \`/console\` uses a session's cookie instead ([Session](#session)).
- **Amounts** are integers of minor units as text: \`"1250"\` is 12.50 EUR, and 1,250 JPY. Numbers are taken while they are exact.
- **Times** are RFC 3339, answered in UTC to the millisecond. A day in a query (\`2026-03-31\`) is its first instant in the ledger's zone.
- **Bodies** are JSON in UTF-8, up to 1 MiB (a batch of transactions 16 MiB). Members and parameters that are not known are refused.
- **Repeating**: a request with an \`Idempotency-Key\` may be sent as often as it takes; it has one effect, and the first answer comes again
  with \`Idempotency-Replayed: true\`. The verbs of a quarter are done once however often they are asked for.
- **Lists** answer a page, up to \`limit\` (50, at most 1,000), and \`next_cursor\` for the next one, asked for with the same parameters.
- **Reading what one wrote**: where reads come from a replica, a write answers \`X-Ledger-Position\`. Sent with a read, it is answered by
  whoever has seen that much.
- **Errors** are RFC 9457 problems with a stable \`code\`; [errors.md](../errors.md) says of each what to do. \`X-Request-Id\` is in every answer.

Any route with a role may answer ${Object.entries(ofAll)
  .map(([status, all]) => `${status} ${all.map((name) => code(name)).join(', ')}`)
  .join(
    '; ',
  )}. Any route with a JSON body may answer ${ofBodies.map(code).join(', ')} besides. Below are the codes that are of a route in particular.

## Contents
`;

function renderOperation(
  operation: Operation,
  example: Example | undefined,
  schemas: HttpDocument['schemas'],
  shown: Map<string, string>,
): string {
  const { method, path, summary, description, role, wholeHouse, parameters, requestBody, responses } =
    operation;
  const lines = [`### ${summary}`, '', `\`${method} ${path}\``, ''];
  if (description) lines.push(description, '');
  lines.push(
    `- **Who**: ${role === undefined ? 'everybody' : `\`${role}\`${wholeHouse ? ', all ledgers' : ''}`}`,
  );
  const own = codes[operation.operationId] ?? [];
  if (own.length > 0) lines.push(`- **Codes**: ${own.map(code).join(', ')}`);
  lines.push('');
  if (parameters.length > 0) {
    lines.push('| parameter | in | |', '|---|---|---|');
    for (const { name, in: place, required, schema, description: said } of parameters) {
      lines.push(
        `| \`${name}\`${required ? '' : ', if wanted'} | ${place} | ${cell(sentence(schema, said))} |`,
      );
    }
    lines.push('');
  }
  for (const [type, { schema }] of Object.entries(requestBody?.content ?? {}).slice(0, 1)) {
    const types = Object.keys(requestBody?.content ?? {}).map((one) => `\`${one}\``);
    const optional = requestBody?.required ? '' : ', may be left out';
    if (!/json/.test(type) || schema === undefined) lines.push(`**Body**: ${types.join(', ')}`, '');
    else lines.push(...told('Body', optional, schema, summary, schemas, shown));
  }
  for (const [status, { description: said = '', content, headers = {} }] of Object.entries(responses)) {
    if (Number(status) >= 300) continue;
    const [type, media] = Object.entries(content ?? {})[0] ?? [];
    const extra = Object.keys(headers).filter((name) => name !== 'X-Request-Id');
    const also = extra.length === 0 ? '' : ` Headers: ${extra.map((name) => `\`${name}\``).join(', ')}.`;
    const text = `: ${said}${also}`;
    if (type === undefined || !/json/.test(type) || media?.schema === undefined)
      lines.push(`**${status}**${text}`, '');
    else lines.push(...told(status, text, media.schema, summary, schemas, shown));
  }
  if (example !== undefined) lines.push(...renderExample(method, operation, example));
  return lines.join('\n');
}

/** A shape as a table; where the same was told before, where that is. */
function told(
  name: string,
  text: string,
  schema: Schema,
  summary: string,
  schemas: HttpDocument['schemas'],
  shown: Map<string, string>,
): string[] {
  const known = schema.$ref?.split('/').at(-1);
  if (known !== undefined) return [`**${name}**${text} A [${known}](#${known.toLowerCase()}).`, ''];
  const rows = rowsOf(schema, schemas);
  if (rows.length === 0) return [`**${name}**${text || ', an empty object'}`, ''];
  const table = rows.join('\n');
  const before = shown.get(table);
  if (before !== undefined && rows.length > 3) {
    return [
      `**${name}**${text}${/[.:]$/.test(text) || text === '' ? '' : '.'} As of [${before}](#${anchorOf(before)}).`,
      '',
    ];
  }
  shown.set(table, summary);
  return [`**${name}**${text}`, '', '| member | type | |', '|---|---|---|', ...rows, ''];
}

function renderShape(name: string, schema: Schema, schemas: HttpDocument['schemas']): string {
  const rows = rowsOf(schema, schemas);
  return [
    `### ${name}`,
    '',
    schema.description ?? '',
    '',
    '| member | type | |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function rowsOf(schema: Schema, schemas: HttpDocument['schemas'], at = '', depth = 0): string[] {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).flatMap(([name, member]) => {
    const path = `${at}${name}`;
    const optional = required.includes(name) ? '' : ', if any';
    const row = `| \`${path}\`${optional} | ${typeOf(member)} | ${cell(sentence(member))} |`;
    return depth + 1 >= DEEPEST ? [row] : [row, ...within(member, schemas, path, depth + 1)];
  });
}

/** The members of what a member holds. */
function within(member: Schema, schemas: HttpDocument['schemas'], path: string, depth: number): string[] {
  if (member.items !== undefined) return within({ ...member.items }, schemas, `${path}[]`, depth);
  const held =
    member.anyOf?.find(({ properties, items }) => properties !== undefined || items !== undefined) ?? member;
  return held.properties === undefined ? [] : rowsOf(held, schemas, `${path}.`, depth);
}

function typeOf({ $ref, type, anyOf, items, enum: values, const: only }: Schema): string {
  const known = $ref?.split('/').at(-1);
  if (known !== undefined)
    return known === 'Problem' ? '[Problem](../errors.md)' : `[${known}](#${known.toLowerCase()})`;
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  if (only !== undefined) return `\`${only}\``;
  if (items !== undefined) return `list of ${typeOf(items)}`;
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeOf))].join(' or ');
  if (Array.isArray(type)) return type.join(' or ');
  return typeof type === 'string' ? type : 'any';
}

function sentence({ title, description }: Schema, said?: string): string {
  const text = description ?? said ?? '';
  return title === undefined ? text : `${title}${text === '' ? '' : `: ${text}`}`;
}

function renderExample(
  method: string,
  { requestBody }: Operation,
  { path, headers, body, status, answer }: Example,
): string[] {
  const type = Object.keys(requestBody?.content ?? {})[0] ?? 'application/json';
  const words = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}-H "Authorization: Bearer $KEY"`,
    ...Object.entries(headers ?? {}).map(([name, value]) => `-H '${name}: ${value}'`),
    ...(body === undefined ? [] : [`-H 'content-type: ${type}'`]),
    `'http://127.0.0.1:7070${path}'`,
    ...(body === undefined
      ? []
      : [
          typeof body === 'string'
            ? '--data-binary @payments.csv'
            : `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`,
        ]),
  ];
  const shown =
    answer === undefined
      ? []
      : typeof answer === 'string'
        ? ['```', answer, '```']
        : ['```json', JSON.stringify(answer, undefined, 2), '```'];
  return [
    '```sh',
    words.join(' \\\n  '),
    '```',
    '',
    `${status}${shown.length === 0 ? '' : ':'}`,
    '',
    ...shown,
    '',
  ];
}

function code(name: string): string {
  return `\`${name}\``;
}

function titleOf(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** As GitHub makes them of headings. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
