import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import { remember } from './remember.ts';

export interface Ledger {
  readonly id: number;
  readonly name: string;
}

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

export async function findLedger(db: Db, name: string): Promise<Ledger | undefined> {
  return db.selectFrom('ledger.ledgers').select(['id', 'name']).where('name', '=', name).executeTakeFirst();
}

/** @throws AppError not_found/no_such_ledger */
export async function requireLedger(db: Db, name: string): Promise<Ledger> {
  const ledger = await findLedger(db, name);
  if (ledger) return ledger;
  throw new AppError('not_found', 'no_such_ledger', `There is no ledger ${JSON.stringify(name)}.`);
}

/**
 * The ledger of that name, made if it is missing: of two that make it at once both get the same.
 *
 * @throws AppError invalid/invalid_ledger_name
 */
export async function createLedger(db: Db, name: string): Promise<Ledger> {
  if (!NAME.test(name)) {
    const detail = `${JSON.stringify(name)} is no name for a ledger; use up to 63 lower-case letters, digits, - and _.`;
    throw new AppError('invalid', 'invalid_ledger_name', detail);
  }
  // Looked up first: an INSERT that meets a conflict still uses up a number of the identity.
  const existing = await findLedger(db, name);
  if (existing) return existing;
  await db
    .insertInto('ledger.ledgers')
    .values({ name })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  return requireLedger(db, name);
}

/** The exponent of every currency: how many decimals its minor units are. A few hundred at most. */
export async function readCurrencies(db: Db): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom('ledger.currencies').select(['code', 'exponent']).execute();
  return new Map(rows.map(({ code, exponent }) => [code, exponent]));
}

/** Ledgers and currencies, which every request needs. */
export interface LedgerCache {
  find(name: string): Promise<Ledger | undefined>;
  /** All of them, by name. */
  list(): Promise<readonly Ledger[]>;
  /** @throws AppError invalid/invalid_ledger_name */
  create(name: string): Promise<Ledger>;
  currencies(): Promise<ReadonlyMap<string, number>>;
}

/** That a ledger is missing is soon untrue, when another process makes it. */
const ABSENT_MS = 1000;

/**
 * Remembers up to `limit` ledgers. None ever changes its name or id, so only one that is new can be missed, and not for
 * long; currencies are added by hand, now and then.
 */
export function createLedgerCache(
  db: Db,
  { ttlMs = 60_000, limit = 10_000, clock }: { ttlMs?: number; limit?: number; clock: Clock },
): LedgerCache {
  const byName = remember((name) => findLedger(db, name), {
    ttlMs: (ledger) => (ledger ? ttlMs : ABSENT_MS),
    limit,
    clock,
  });
  const all = remember<readonly Ledger[]>(
    () => db.selectFrom('ledger.ledgers').select(['id', 'name']).orderBy('name').execute(),
    { ttlMs: () => ABSENT_MS, limit: 1, clock },
  );
  const currencies = remember(() => readCurrencies(db), { ttlMs: () => ttlMs, limit: 1, clock });
  return {
    find: async (name) => (NAME.test(name) ? byName.get(name) : undefined),
    list: () => all.get(''),
    create: async (name) => {
      const ledger = await createLedger(db, name);
      byName.set(name, ledger);
      all.forget('');
      return ledger;
    },
    currencies: () => currencies.get(''),
  };
}
