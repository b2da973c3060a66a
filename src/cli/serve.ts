import { type CliCommand, type CommandKit, contextOf, serve, service, withServingHouse } from './command.ts';
import { note } from './terminal.ts';

/** `quartermaster api`: the HTTP API until it is asked to stop. */
export function apiCommand(kit: CommandKit): CliCommand {
  return service('api', 'serve the HTTP API until SIGTERM or Ctrl-C', [
    'api',
    'api   # with QM_HOST=0.0.0.0 QM_PORT=8080 set, to listen elsewhere',
  ]).action(async () => {
    const context = contextOf(kit, {});
    await withServingHouse(context, async (house) => {
      const api = house.apiService();
      await serve(context, [api], () => note(context.terminal, `The API listens on ${api.address()}.`));
    });
  });
}

/** `quartermaster worker`: the jobs until it is asked to stop. */
export function workerCommand(kit: CommandKit): CliCommand {
  return service('worker', 'run the jobs until SIGTERM or Ctrl-C; run as many as you like', [
    'worker',
  ]).action(async () => {
    const context = contextOf(kit, {});
    await withServingHouse(context, async (house) => {
      await serve(context, [house.workerService()], () => note(context.terminal, 'The worker runs.'));
    });
  });
}
