import { sql } from 'kysely';
import { type QuarterVerb, transitionOf, transitions } from '../core/lifecycle.ts';
import type { Db } from '../db/schema.ts';

/** The verbs after which a quarter is no more what it was. */
const moving = (Object.keys(transitions) as QuarterVerb[]).filter(
  (verb) => transitionOf(verb).to !== undefined,
);

/**
 * What the quarter was last moved by since an instant, by whatever way; undefined when nothing was. The verb itself counts also where it
 * moves nothing. What is done to a copy beside the ledger moves that copy alone.
 */
export async function readMoveSince(
  db: Db,
  { quarter, verb, into }: { readonly quarter: string; readonly verb: string; readonly into: string | null },
  since: Date,
): Promise<{ readonly event: string; readonly actor: string } | undefined> {
  const { rows } = await sql<{ event: string; actor: string; into: string | null }>`
    SELECT event, actor, detail ->> 'into' AS into
    FROM quartermaster.quarter_events
    WHERE quarter = ${quarter} AND at > ${since} AND event = ANY (${[...moving, verb]})
    ORDER BY id DESC`.execute(db);
  return rows.find((one) => one.into === into);
}
