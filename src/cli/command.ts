import { Command } from 'commander';
import type { TSchema } from 'typebox';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import { pause } from '../platform/retry.ts';
import { runServices, type Service } from '../platform/service.ts';
import { helpOfExamples } from './help.ts';
import type { CliEntry, CliHouse } from './house.ts';
import type { Screen, Terminal } from './terminal.ts';

/** What each command's action gets. */
export interface CommandContext {
  readonly entry: CliEntry;
  readonly terminal: Terminal;
  readonly config: Config;
  readonly logger: Logger;
}

/** Everything a file of this folder needs to add its command. */
export interface CommandKit {
  readonly entry: CliEntry;
  readonly out: Screen;
  readonly err: Screen;
  /** Where a person answers; without it nobody is asked. */
  readonly input?: NodeJS.ReadableStream & { isTTY?: boolean };
  /** TERM=dumb: a terminal on which nothing can be drawn again. */
  readonly dumb?: boolean;
}

/** A command that is told with examples, and whose result as JSON has a schema. */
export class CliCommand extends Command {
  /** Words behind the program's name, as somebody types them. */
  examples: readonly string[] = [];
  /** Of the document that `--json` prints; undefined of a group, and of what serves. */
  output: TSchema | undefined;

  /** Says what `--json` prints. */
  prints(schema: TSchema): this {
    this.output = schema;
    return this;
  }
}

/**
 * A command with `--json`, its description and its examples; `--help` shows them all.
 *
 * @param json what `--json` does, where that is not to print one document
 */
export function command(
  name: string,
  description: string,
  examples: readonly string[],
  json = 'print the result as one JSON document',
): CliCommand {
  return service(name, description, examples).option('--json', json);
}

/** A command of commands. It has no options of its own, for Commander would take theirs for its. */
export function group(name: string, description: string, examples: readonly string[]): CliCommand {
  return service(name, description, examples);
}

/** A command that serves until it is stopped, and has no result. */
export function service(name: string, description: string, examples: readonly string[]): CliCommand {
  const made = new CliCommand(name).description(description);
  made.examples = examples;
  return made.addHelpText('after', helpOfExamples(examples));
}

/** Where this kit writes, for somebody who asked for JSON or did not. */
export function terminalOf({ out, err, dumb = false }: CommandKit, options: { json?: boolean }): Terminal {
  return { out, err, dumb, json: options.json === true };
}

/** Reads the settings and makes the terminal for an action. Logs stay quiet below `warn` unless asked for. */
export function contextOf(kit: CommandKit, options: { json?: boolean }, logLevel?: string): CommandContext {
  const config = kit.entry.readConfig();
  const terminal = terminalOf(kit, options);
  return { entry: kit.entry, terminal, config, logger: kit.entry.createLogger(logLevel ?? config.logLevel) };
}

/** Opens the house for one action and closes it whatever happens. */
export async function withHouse<T>(
  context: CommandContext,
  action: (house: CliHouse) => Promise<T>,
): Promise<T> {
  const house = await context.entry.openHouse(context.config, context.logger);
  try {
    return await action(house);
  } finally {
    await house.close();
  }
}

/** Of QM_STOP_WITHIN, what is left to close the house. */
const CLOSE_MS = 1000;

/** Opens the house for a process that serves until it is asked to stop. The database may come later than the process. */
export async function withServingHouse(
  context: CommandContext,
  action: (house: CliHouse) => Promise<void>,
): Promise<void> {
  const house = await context.entry.openUnseen(context.config, context.logger);
  try {
    await action(house);
  } finally {
    // Whoever was asked to stop does not wait for a database that hangs.
    const closed = new AbortController();
    const late = pause(CLOSE_MS, closed.signal).catch(() => {});
    await Promise.race([house.close().finally(() => closed.abort()), late]);
  }
}

/** Runs the services until the process is asked to stop. */
export async function serve(
  context: CommandContext,
  services: readonly Service[],
  onReady: () => void,
): Promise<void> {
  const { signal } = context.entry;
  const stopWithinMs = context.config.stopWithin * 1000 - 2 * CLOSE_MS;
  await runServices(services, { signal, logger: context.logger, onReady, stopWithinMs });
}
