import type { TSchema } from 'typebox';
import type { CliCommand } from '../../src/cli/command.ts';
import { exitCodeRows } from '../../src/cli/exit-codes.ts';
import { errorJson } from '../../src/cli/json-parts.ts';
import { schemasOf } from '../../src/cli/schema.ts';
import { WHEN_FORMS } from '../../src/core/when.ts';
import { commandsOf, isLeaf } from '../cli/tree.ts';

/** docs/reference/cli.md: every command, as the program's own help has it. */
export function renderCommands(program: CliCommand): string {
  const all = commandsOf(program).filter(([path]) => path !== '');
  return [
    '# The command line',
    'This page is made from the program: `npm run docs:cli` writes it, and a test compares it. `quartermaster COMMAND --help` says the same in a terminal.',
    contents(all),
    '## What holds for all of them',
    [
      '- **Results** go to standard output, everything else to standard error. `--json` prints one JSON document instead, whose schema is in [cli-json.md](cli-json.md) and printed by `quartermaster schema COMMAND`.',
      '- **Colours and redrawing** are for terminals. `NO_COLOR=1` leaves the colours out, `FORCE_COLOR=1` has them everywhere, and `TERM=dumb` has neither. A sign or a word says the same as each colour. Tables leave out or shorten columns where the terminal is too narrow; in a pipe they are whole.',
      '- **Quarters** are written `2024q1`, `2023q1..2023q4` with both ends, `2023q1..` to the last there is, `..2023q4` from the first, or several of these with commas: behind the command, or by `--quarters`.',
      `- **Times** are written ${WHEN_FORMS}. They are those of the ledger's zone, and how one was understood is said back. \`01/02/2026\` may be read in two ways and is refused.`,
      '- **What destroys** (`quarters drop`, `quarters release --into`, `keys revoke`, `migrate down`) asks on a terminal, and has the name of what is lost or `yes` typed. `--yes` does without; where nobody can be asked it is needed. `--dry-run` never asks.',
      '- **Completion**: `quartermaster completion bash`, `zsh` or `fish` prints a script for the shell.',
    ].join('\n'),
    '### Exit codes',
    table(
      ['code', 'meaning'],
      exitCodeRows.map(([code, meaning]) => [String(code), meaning]),
    ),
    'The kinds of failure behind them, and every error by its code, are in [errors.md](../errors.md).',
    ...all.map(([path, command]) => renderCommand(path, command)),
  ]
    .join('\n\n')
    .concat('\n');
}

function contents(all: readonly (readonly [string, CliCommand])[]): string {
  const rows = all
    .filter(([, command]) => isLeaf(command))
    .map(([path, command]) => [`[\`${path}\`](#${anchor(path)})`, cell(command.description())]);
  return table(['command', 'what it does'], rows);
}

function renderCommand(path: string, command: CliCommand): string {
  const level = path.includes(' ') ? '###' : '##';
  const options = command.options.map((option) => [
    `\`${option.flags}\``,
    cell(`${option.description}${choicesOf(option)}${defaultOf(option.defaultValue)}`),
  ]);
  const taken = command.registeredArguments.map((one) => [
    `\`${one.required ? `<${one.name()}>` : `[${one.name()}]`}\``,
    cell(`${one.description}${choicesOf(one)}`),
  ]);
  const parts = [
    `${level} \`${path}\``,
    `${sentence(command.description())}`,
    ...(isLeaf(command) ? [`\`\`\`\nquartermaster ${path} ${command.usage()}\n\`\`\``] : []),
    ...(taken.length === 0 ? [] : [table(['argument', 'meaning'], taken)]),
    ...(options.length === 0 ? [] : [table(['option', 'meaning'], options)]),
    `Examples:\n\n\`\`\`sh\n${command.examples.map((one) => `quartermaster ${one}`).join('\n')}\n\`\`\``,
    ...(command.output === undefined ? [] : [`With \`--json\`: [its schema](cli-json.md#${anchor(path)}).`]),
  ];
  return parts.join('\n\n');
}

function choicesOf({ argChoices }: { argChoices?: readonly string[] | undefined }): string {
  return argChoices === undefined ? '' : ` (${argChoices.join(', ')})`;
}

function defaultOf(value: unknown): string {
  return value === undefined || value === false || value === true ? '' : ` (default: ${value})`;
}

/** docs/reference/cli-json.md: what every command prints with `--json`, member by member. */
export function renderSchemas(program: CliCommand): string {
  const schemas = [...schemasOf(program)].filter(([path]) => path !== 'error');
  return [
    '# What the command line prints as JSON',
    'This page is made from the schemas that the commands declare: `npm run docs:cli` writes it, and a test holds real outputs of every command against them. `quartermaster schema COMMAND` prints a schema (JSON Schema 2020-12), `quartermaster schema` all of them.',
    'A command with `--json` prints one document and a line break to standard output, and nothing else there; `quarters watch` prints one for each change, a line each. Counts and amounts that may be larger than JSON numbers hold exactly are strings of digits; instants are in UTC, as `2026-12-31T23:00:00.000Z`. Later versions may add members; those that are here keep their meaning. A member that is marked `?` may be left out.',
    '## Errors',
    'A command that fails ends with the [exit code](cli.md#exit-codes) of the kind, and writes one line to standard error. What was done by then, of several quarters for instance, is on standard output all the same.',
    fence(errorJson),
    'A wrong call (exit code 64) is told in words, as without `--json`.',
    ...schemas.flatMap(([path, schema]) => [`## \`${path}\``, fence(schema)]),
  ]
    .join('\n\n')
    .concat('\n');
}

function fence(schema: TSchema): string {
  return `\`\`\`\n${outline(schema as Shape, '')}\n\`\`\``;
}

/** As much of JSON Schema as the pieces of src/cli/json-parts.ts make. */
interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
}

/** A schema as an outline: members with their types, and what they mean. */
function outline(shape: Shape, indent: string): string {
  const { anyOf } = shape;
  if (anyOf !== undefined && complex(anyOf).length > 1) {
    const each = complex(anyOf).map((one) => `${indent}${outline(one, indent)}`);
    return each.join(`\n${indent}or\n`).trimStart();
  }
  const note = noteOf(shape);
  const inner = anyOf === undefined ? shape : complex(anyOf)[0];
  if (inner?.type === 'array' && inner.items !== undefined && isComplex(inner.items))
    return `[${note}\n${indent}  ${outline(inner.items, `${indent}  `)}\n${indent}]`;
  if (inner?.properties !== undefined) {
    const { required = [] } = inner;
    const lines = Object.entries(inner.properties).map(
      ([name, member]) =>
        `${indent}  ${name}${required.includes(name) ? '' : '?'}: ${outline(member, `${indent}  `)}`,
    );
    return `{${note}\n${lines.join('\n')}\n${indent}}`;
  }
  return `${typeOf(shape)}${note}`;
}

/** What the type says beside it is not said again. */
function noteOf(shape: Shape): string {
  const { description } = shape;
  if (description === undefined) return '';
  const short = description.replace(', an instant in ISO 8601', '');
  return `  # ${isComplex(shape) ? short : short.replace(/; or null$/, '')}`;
}

function complex(shapes: readonly Shape[]): readonly Shape[] {
  return shapes.flatMap((one) => (one.anyOf ? complex(one.anyOf) : isComplex(one) ? [one] : []));
}

function isComplex(shape: Shape): boolean {
  if (shape.anyOf !== undefined) return complex(shape.anyOf).length > 0;
  if (shape.type === 'array') return shape.items !== undefined && isComplex(shape.items);
  return shape.properties !== undefined;
}

function typeOf(shape: Shape): string {
  if (shape.anyOf !== undefined) return [...new Set(shape.anyOf.map(typeOf))].join(' | ');
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum !== undefined) return shape.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (shape.type === 'array') return `[${shape.items === undefined ? '' : typeOf(shape.items)}]`;
  if (shape.format === 'date-time') return 'instant';
  if (shape.pattern?.includes('q[1-4]')) return 'quarter';
  if (shape.pattern !== undefined) return 'digits';
  return shape.type ?? 'anything';
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`.replaceAll('<', '&lt;');
}

function anchor(path: string): string {
  return path.replaceAll(' ', '-');
}
