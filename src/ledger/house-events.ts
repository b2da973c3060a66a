import type { Db } from '../db/schema.ts';

/** Something that was done to the house, and to no quarter of it. */
export interface HouseEvent {
  /** What was done, in words with dashes: `sign-in`, `key-create`. */
  readonly event: string;
  /** The name of who did it. */
  readonly actor: string;
  readonly reason?: string | undefined;
  /** What a reader wants to know besides. There is no secret in it. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Appends to the story of the house: who did what, when and why. Never changed afterwards. */
export async function recordHouseEvent(
  db: Db,
  { event, actor, reason, detail = {} }: HouseEvent,
): Promise<void> {
  await db
    .insertInto('quartermaster.house_events')
    .values({ event, actor, reason: reason ?? null, detail: JSON.stringify(detail) })
    .execute();
}
