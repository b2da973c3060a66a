import { sql } from 'kysely';
import { cursorScope, encodeCursor, readCursor } from '../core/cursor.ts';
import { boundedRead } from '../db/bounded-read.ts';
import type { Db } from '../db/schema.ts';

/** Something that a person or a schedule did, to a quarter or to the house. */
export interface HouseEvent {
  /** Of the story of quarters and of the house's own together, as `quarter-17`. */
  readonly id: string;
  readonly at: Date;
  /** null: it was done to the house. */
  readonly quarter: string | null;
  readonly event: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly detail: Record<string, unknown>;
}

export interface EventsQuery {
  /** Only what was done to this quarter. */
  readonly quarter?: string | undefined;
  /** Only what was done under this name. */
  readonly actor?: string | undefined;
  /** 1 to 1000. */
  readonly limit: number;
  /** As the page before gave it. */
  readonly cursor?: string | undefined;
}

export interface EventsPage {
  /** The newest first. */
  readonly events: readonly HouseEvent[];
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
}

/** Which of two events of one instant comes first is decided by the table, then by the number in it. */
const sources = ['house', 'quarter'] as const;

interface Row extends Omit<HouseEvent, 'id'> {
  readonly source: (typeof sources)[number];
  readonly number: bigint;
  /** Microseconds since 1970: a Date would cut off what tells two events apart. */
  readonly micros: bigint;
}

/**
 * What was done, by the events of the quarters and of the house together, page by page. Events that come meanwhile are newer than any page that
 * goes on, so nothing is shown twice.
 *
 * @throws AppError invalid/cursor_invalid, busy/read_too_slow
 */
export async function readEvents(db: Db, query: EventsQuery, signal?: AbortSignal): Promise<EventsPage> {
  const { quarter, actor, limit, cursor } = query;
  const scope = cursorScope({ list: 'events', quarter, actor });
  const after = cursor === undefined ? undefined : positionIn(scope, cursor);
  const newest = sql`ORDER BY e.at DESC, e.id DESC LIMIT ${limit + 1}`;
  const whose = actor === undefined ? sql`` : sql` AND e.actor = ${actor}`;
  const which = quarter === undefined ? sql`` : sql` AND e.quarter = ${quarter}`;
  // Of each table as many as the page may need of it, which its index gives in their order: neither is read whole.
  const house = sql`
      (SELECT 'house' AS source, e.id, e.at, NULL AS quarter, e.event, e.actor, e.reason, e.detail
      FROM quartermaster.house_events AS e WHERE ${quarter === undefined} AND ${beyond('house', after)}${whose} ${newest})`;
  const quarters = sql`
      (SELECT 'quarter', e.id, e.at, e.quarter, e.event, e.actor, e.reason, e.detail
      FROM quartermaster.quarter_events AS e WHERE ${beyond('quarter', after)}${which}${whose} ${newest})`;
  const { rows } = await boundedRead(
    db,
    (bounded) =>
      sql<Row>`
    SELECT e.source, e.id AS number, e.at, (extract(epoch FROM e.at) * 1000000)::bigint AS micros,
           e.quarter, e.event, e.actor, e.reason, e.detail
    FROM (${house}
      UNION ALL${quarters}
    ) AS e
    ORDER BY e.at DESC, e.source DESC, e.id DESC
    LIMIT ${limit + 1}`.execute(bounded),
    undefined,
    signal,
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    events: page.map(({ source, number, micros: _, ...event }) => ({ id: `${source}-${number}`, ...event })),
    next: last && encodeCursor(scope, [last.micros, last.source, last.number]),
  };
}

interface Position {
  readonly micros: bigint;
  readonly source: Row['source'];
  readonly number: bigint;
}

/**
 * The number of the last event of all quarters. Nobody does anything to a quarter without one, so what was read of quarters
 * stands as long as it is the same.
 */
export async function lastQuarterEvent(db: Db): Promise<bigint | undefined> {
  const last = await db
    .selectFrom('quartermaster.quarter_events')
    .select('id')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last?.id;
}

/** What comes behind the position in one of the tables. */
function beyond(source: Row['source'], after: Position | undefined) {
  if (after === undefined) return sql`true`;
  const at = instantOf(after.micros);
  if (source === after.source) return sql`(e.at, e.id) < (${at}, ${after.number})`;
  return source < after.source ? sql`e.at <= ${at}` : sql`e.at < ${at}`;
}

function positionIn(scope: string, cursor: string): Position {
  const reader = readCursor(scope, cursor);
  const position = { micros: reader.count(), source: reader.word(sources), number: reader.count() };
  reader.end();
  return position;
}

/** Added up by PostgreSQL in whole numbers, which a count of seconds as a double would not be. */
function instantOf(micros: bigint) {
  return sql`(timestamptz 'epoch' + ${micros / 1_000_000n}::bigint * interval '1 second' + ${micros % 1_000_000n}::bigint * interval '1 microsecond')`;
}
