import { AppError } from '../../src/core/errors.ts';
import { toAppError } from '../../src/db/sqlstate.ts';
import { retry } from '../../src/platform/retry.ts';
import type { QuarterHouse, QuarterRun } from '../../src/quarters/context.ts';
import { mayPass } from '../../src/queue/run-job.ts';
import { openArchiveHouse } from '../quarters/archive-fixture.ts';

/** A database with the store of its archives. */
export interface Place {
  readonly url: string;
  readonly directory: string;
}

export const run: QuarterRun = { actor: 'ada' };

/** A house that stands there. The sessions of its process are known in PostgreSQL by this name. */
export function openPlace({ url, directory }: Place, application: string): QuarterHouse {
  const named = new URL(url);
  named.searchParams.set('application_name', application);
  return openArchiveHouse(named.href, directory);
}

export async function inPlace<T>(place: Place, action: (house: QuarterHouse) => Promise<T>): Promise<T> {
  const house = openPlace(place, 'crash-test');
  try {
    return await action(house);
  } finally {
    await house.database.close();
  }
}

/**
 * Runs a verb until it is done, as the queue would: what may pass by itself is tried again, such as the lock of a dead
 * process that PostgreSQL has not noticed yet.
 */
export async function again(action: () => Promise<unknown>): Promise<unknown> {
  const retryable = (error: unknown) => mayPass(toAppError(error));
  return retry(action, { retryable, attempts: 60, baseMs: 20, capMs: 400 });
}

/** What a failure is called, and whether the queue would try again after it. */
export function describeFailure(error: unknown): { code: string; passes: boolean } {
  const known = error instanceof AppError ? error : toAppError(error);
  return { code: `${known.kind}/${known.code}: ${known.detail}`, passes: mayPass(known) };
}
