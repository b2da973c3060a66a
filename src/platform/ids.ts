import { AsyncLocalStorage } from 'node:async_hooks';

/** What a line of the log belongs to, by the names it has there. */
export interface Ids {
  readonly request_id?: string;
  readonly job?: string;
  readonly job_id?: string;
}

/** Holds nothing by itself: what is found in it is what a caller further out has put around its own work. */
const around = new AsyncLocalStorage<Ids>();

/** Runs the action so that every line it logs, however deep, bears the ids. */
export function withIds<T>(ids: Ids, action: () => T): T {
  return around.run(ids, action);
}

export function currentIds(): Ids | undefined {
  return around.getStore();
}
