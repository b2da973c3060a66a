import type { JobHouse } from '../../jobs/house.ts';
import { toAppError } from '../../src/db/sqlstate.ts';
import { type QuarterRow, readQuarters } from '../../src/quarters/registry.ts';
import { quarterActions } from '../../src/quarters/verbs.ts';
import { pickOne } from './plan.ts';

/** What people do by hand, each to a quarter in one of these states. Anything may be refused; nothing may go wrong. */
const deeds = [
  { verb: 'hold', states: ['open', 'closed', 'archived', 'detached'] },
  { verb: 'unhold', states: ['open', 'closed', 'archived', 'detached', 'dropped', 'restored'] },
  { verb: 'unhold', states: ['closed', 'archived', 'detached'] },
  { verb: 'archive', states: ['closed'] },
  { verb: 'verify', states: ['archived', 'detached'] },
  { verb: 'detach', states: ['archived'] },
  { verb: 'close', states: ['open'] },
  { verb: 'reopen', states: ['closed'] },
  { verb: 'restore', states: ['detached', 'dropped'] },
  { verb: 'restore', states: ['detached', 'dropped'] },
  { verb: 'release', states: ['restored'] },
  { verb: 'drop', states: ['detached'] },
] as const;

/** Quarters are closed from the oldest on and reopened from the newest back; other ones would only be refused. */
const chosenBy: Partial<Record<string, (rows: readonly QuarterRow[]) => QuarterRow | undefined>> = {
  close: (rows) => rows[0],
  reopen: (rows) => rows.at(-1),
};

/** Failures that a person at the command line may get on any day. */
const allowed = ['busy', 'unavailable', 'aborted', 'conflict', 'refused', 'not_found'];

/** Does one of them; what it came to, and the complaint if it must not come to that. */
export async function doDeed(
  house: JobHouse,
  pick: number,
  other: number,
): Promise<{ readonly said: string; readonly complaint?: string }> {
  const deed = pickOne(deeds, pick);
  if (deed === undefined) return { said: 'nothing' };
  try {
    const rows = await readQuarters(house.database.direct);
    const states: readonly string[] = deed.states;
    const candidates = rows.filter(({ state }) => states.includes(state));
    const row = chosenBy[deed.verb]?.(candidates) ?? pickOne(candidates, other);
    if (row === undefined) return { said: `${deed.verb}: nothing to do it to` };
    const name = `${deed.verb} ${row.quarter}`;
    const run = { actor: 'person', reason: 'the soak wants it' };
    return await quarterActions[deed.verb].run(house.quarters, run, row.quarter).then(
      () => ({ said: name }),
      (error: unknown) => {
        const { kind, code, detail } = toAppError(error);
        // The archive of a quarter is held to be damaged while a store that lies was read last.
        const passes = allowed.includes(kind) || code === 'archive_damaged';
        const said = `${name}: ${code}`;
        return passes ? { said } : { said, complaint: `${name}: ${kind}/${code}: ${detail}` };
      },
    );
  } catch (error) {
    return { said: `${deed.verb}: ${toAppError(error).code}` };
  }
}
