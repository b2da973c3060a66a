import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type CommandContext, type CommandKit, contextOf, serve, service, withHouse } from './command.ts';
import { createProcessKey, type ProcessKey } from './process-key.ts';
import { removeEnvironment, writeEnvironment } from './second-terminal.ts';
import { note } from './terminal.ts';

/** Where a checkout keeps its own PostgreSQL and archives. */
const home = () => resolve('var');

/** `quartermaster dev`: API and worker on a PostgreSQL of their own, with an empty ledger. */
export function devCommand(kit: CommandKit): Command {
  return service('dev', 'serve API and worker for development, with a PostgreSQL of their own in ./var', [
    'dev',
    'dev   # with QM_LOG_LEVEL=debug set, to see more',
  ]).action(async () => {
    await withDatabase(contextOf(kit, {}), async (context) => {
      await withHouse(context, async (house) => {
        const key = createProcessKey(context.config, 'dev');
        const api = house.apiService({ keys: key.keys });
        await serve(context, [api, house.workerService()], () => {
          note(context.terminal, whereNext(api.address(), key.says));
          openToOthers(kit, context, api.address(), key);
        });
      });
    });
  });
}

/**
 * Runs the action with a migrated database: the configured one, or an embedded PostgreSQL in ./var that is stopped
 * afterwards whatever happens.
 */
export async function withDatabase(
  context: CommandContext,
  action: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const { entry, terminal, logger } = context;
  if (context.config.databaseUrl !== undefined) {
    await entry.migrateUp(context.config, logger);
    return action(context);
  }
  note(terminal, `Starting PostgreSQL in ${home()}/postgres …`);
  const server = await entry.startEmbedded(join(home(), 'postgres'));
  const died = new AbortController();
  server.exited.catch((error: unknown) => died.abort(error));
  try {
    const config = { ...context.config, databaseUrl: server.url, directDatabaseUrl: server.url };
    const signal = AbortSignal.any([entry.signal, died.signal]);
    await entry.migrateUp(config, logger);
    await action({ ...context, config, entry: { ...entry, signal } });
  } finally {
    removeEnvironment(home());
    await server.stop();
  }
  died.signal.throwIfAborted();
}

/** Lets another terminal work on the PostgreSQL in ./var; where one is configured, that terminal has its settings from who configured it. */
export function openToOthers(
  kit: CommandKit,
  context: CommandContext,
  address: string,
  { token }: ProcessKey,
): void {
  const { databaseUrl } = context.config;
  if (databaseUrl === undefined || kit.entry.readConfig().databaseUrl !== undefined) return;
  writeEnvironment(home(), { databaseUrl, address, token });
  note(
    context.terminal,
    '\nAnother terminal in this folder works on the same database after `. var/env.sh`, as in: npx quartermaster quarters list',
  );
}

function whereNext(address: string, key: string): string {
  return `Open ${address}/console in a browser, and sign in with the key below.
The API listens on ${address} and the worker runs. Ctrl-C stops both.

${key}

  curl -H "Authorization: Bearer $KEY" ${address}/v1/ledgers
  curl -H "Authorization: Bearer $KEY" ${address}/v1/ledgers -H 'content-type: application/json' -d '{"name":"main"}'
  curl ${address}/openapi.json`;
}
