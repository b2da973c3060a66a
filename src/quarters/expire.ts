import { isAppError } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import { isConnectionLoss, toAppError } from '../db/sqlstate.ts';
import { throwIfAborted } from '../platform/retry.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { releaseQuarter } from './release.ts';

/** A restored quarter, or a copy of one in a schema of its own. */
export interface Restored {
  readonly quarter: string;
  readonly into: string | undefined;
}

export interface ExpiryReport {
  readonly released: readonly Restored[];
  /** Their time has come, and a hold keeps them. */
  readonly withheld: readonly (Restored & { readonly why: string })[];
  /** What was tried and failed; the others were released all the same. */
  readonly failed: readonly (Restored & { readonly code: string; readonly detail: string })[];
}

/**
 * Releases what was restored until now or earlier: quarters are detached again, never dropped, and copies of quarters are
 * dropped. What another process is at is left to it.
 */
export async function expireRestores(house: QuarterHouse, run: QuarterRun): Promise<ExpiryReport> {
  const released: Restored[] = [];
  const withheld: (Restored & { why: string })[] = [];
  const failed: (Restored & { code: string; detail: string })[] = [];
  for (const { hold_reason, until, ...one } of await readExpired(house.database.direct, house.clock.now())) {
    throwIfAborted(run.signal);
    if (hold_reason !== null) {
      withheld.push({ ...one, why: hold_reason });
      continue;
    }
    try {
      const reason = `It was restored until ${until.toISOString()}.`;
      const release = { ...run, reason: run.reason ?? reason, into: one.into };
      const { released: tables } = await releaseQuarter(house, release, one.quarter, until);
      if (tables.length > 0) released.push(one);
    } catch (error) {
      const { kind, code, detail } = toAppError(error);
      if (kind === 'aborted' || isConnectionLoss(error)) throw error;
      if (isAppError(error, 'quarter_busy')) continue;
      if (code === 'quarter_held') withheld.push({ ...one, why: detail });
      else failed.push({ ...one, code, detail });
    }
  }
  return { released, withheld, failed };
}

/** Something restored whose time has come. */
export interface Expired extends Restored {
  readonly until: Date;
  readonly hold_reason: string | null;
}

/** Those whose time has come, oldest quarter first. */
export async function readExpired(db: Db, now: Date): Promise<Expired[]> {
  const quarters = await db
    .selectFrom('quartermaster.quarters')
    .select(['quarter', 'hold_reason', 'restored_until'])
    .where('state', '=', 'restored')
    .where('restored_until', '<=', now)
    .orderBy('quarter')
    .execute();
  const copies = await db
    .selectFrom('quartermaster.restores as r')
    .leftJoin('quartermaster.quarters as q', 'q.quarter', 'r.quarter')
    .select(['r.quarter', 'r.schema_name', 'r.expires_at', 'q.hold_reason'])
    .where('r.expires_at', '<=', now)
    .orderBy('r.quarter')
    .orderBy('r.schema_name')
    .execute();
  return [
    ...quarters.flatMap(({ quarter, hold_reason, restored_until }) =>
      restored_until === null ? [] : [{ quarter, into: undefined, until: restored_until, hold_reason }],
    ),
    ...copies.map(({ quarter, schema_name, expires_at, hold_reason }) => ({
      quarter,
      into: schema_name,
      until: expires_at,
      hold_reason,
    })),
  ];
}
