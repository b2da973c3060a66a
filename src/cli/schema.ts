import type { Command } from 'commander';
import type { TSchema } from 'typebox';
import { AppError } from '../core/errors.ts';
import { stringify } from '../core/json.ts';
import { CliCommand, type CommandKit, command } from './command.ts';
import { errorJson, open } from './json-parts.ts';

/** `quartermaster schema [COMMAND]`: what `--json` prints, as JSON Schema. */
export function schemaCommand(kit: CommandKit): CliCommand {
  return command('schema', 'the JSON Schema of what a command prints with --json', [
    'schema quarters list',
    'schema error',
    'schema > schemas.json',
  ])
    .argument('[command...]', 'as quarters list; error for what is told of a failure; nothing for all')
    .prints(open('a JSON Schema; without a command, one for each by its name'))
    .action((words: string[], _flags: object, self: Command) => {
      const schemas = schemasOf(rootOf(self));
      const name = words.join(' ');
      if (name === '') {
        kit.out.write(`${stringify(Object.fromEntries(schemas), 2)}\n`);
        return;
      }
      const schema = schemas.get(name);
      if (schema === undefined) {
        const near = [...schemas.keys()].filter((one) => one.startsWith(`${words[0]} `));
        const there = near.length > 0 ? near : [...schemas.keys()];
        const detail = `${name} prints no JSON. Those that do: ${there.join(', ')}.`;
        throw new AppError('invalid', 'bad_option', detail);
      }
      kit.out.write(`${stringify(schema, 2)}\n`);
    });
}

/** By the name of each command that prints JSON, as `quarters list`; and of `error`. */
export function schemasOf(program: Command): Map<string, TSchema> {
  const schemas = new Map<string, TSchema>();
  const add = (one: Command, path: string) => {
    if (one instanceof CliCommand && one.output !== undefined) schemas.set(path, withDialect(one.output));
    for (const child of one.commands) add(child, path === '' ? child.name() : `${path} ${child.name()}`);
  };
  add(program, '');
  return schemas.set('error', withDialect(errorJson));
}

function withDialect(schema: TSchema): TSchema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema };
}

function rootOf(one: Command): Command {
  return one.parent === null ? one : rootOf(one.parent);
}
