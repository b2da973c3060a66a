import { openS3Store } from '../../archive/s3-store.ts';
import type { Store } from '../../archive/store.ts';
import type { Database } from '../../db/database.ts';
import { type Identity, readIdentity } from '../../db/inspect-server.ts';
import { readServerSettings, type Settings } from '../../db/inspect-settings.ts';
import { answerWithin } from '../../db/lease.ts';
import { type Look, openLook } from '../../db/look.ts';
import type { Db } from '../../db/schema.ts';
import type { Config } from '../../platform/config.ts';
import { parseS3Url } from '../../platform/s3-settings.ts';
import type { QuarterHouse } from '../../quarters/context.ts';
import type { CliEntry, CliHouse } from '../house.ts';
import type { Limits } from './limits.ts';
import type { Machine } from './machine.ts';

/** Whose settings these are. */
export type ProcessKind = 'api' | 'worker' | 'owner';

/** What checks ask. Nothing is opened before it is asked for, and what one has found out the next is told. */
export interface Setup {
  readonly entry: CliEntry;
  readonly limits: Limits;
  readonly machine: Machine;
  /** As named by `--as`. */
  readonly as: ProcessKind | undefined;
  /** @throws AppError config/invalid_config */
  config(): Config;
  house(): Promise<CliHouse>;
  look(way: Way): Look | undefined;
  /** Where a connection has led to. @throws whatever node-postgres throws */
  identity(way: Way): Promise<Identity>;
  /** The primary, by the better of the two ways to it. */
  db(): Promise<Db>;
  /** As long-lived work has them: by the direct way, where it is one. */
  settings(): Promise<Settings>;
  store(): Promise<Store>;
  quarters(): Promise<QuarterHouse>;
  close(): Promise<void>;
}

export const ways = {
  write: 'QM_DATABASE_URL',
  direct: 'QM_DIRECT_DATABASE_URL',
  replica: 'QM_REPLICA_URL',
} as const;
export type Way = keyof typeof ways;

/** A store that hangs is given up well before the doctor is. */
const STORE_LIMITS = { attempts: 2, connectMs: 3_000, idleMs: 4_000 };

export function openSetup(entry: CliEntry, given: Pick<Setup, 'limits' | 'machine' | 'as'>): Setup {
  const { limits } = given;
  const looks = new Map<string, Look>();
  const once = <T>(make: () => T): (() => T) => {
    let made: { readonly value: T } | undefined;
    return () => {
      made ??= { value: make() };
      return made.value;
    };
  };
  const config = once(() => entry.readConfig());
  const house = once(async () =>
    entry.openUnseen({ ...config(), tracing: undefined }, entry.createLogger('silent')),
  );
  const look = (way: Way): Look | undefined => {
    const { databaseUrl, directDatabaseUrl, replicaUrl } = config();
    const url = { write: databaseUrl, direct: directDatabaseUrl ?? databaseUrl, replica: replicaUrl }[way];
    if (url === undefined) return undefined;
    const known = looks.get(url);
    const opened =
      known ?? openLook({ url, connectMs: limits.connectMs, statementMs: limits.checkMs + 1000 });
    looks.set(url, opened);
    return opened;
  };
  const dbOf = (way: Way): Db => look(way)?.db as Db;
  const identities = new Map<Way, Promise<Identity>>();
  const identity = (way: Way): Promise<Identity> => {
    const asked = identities.get(way) ?? answerWithin(limits.connectMs, readIdentity(dbOf(way)));
    identities.set(way, asked);
    return asked;
  };
  const db = once(async (): Promise<Db> => {
    const [direct, write] = await Promise.all([
      identity('direct').catch(() => undefined),
      identity('write').catch(() => undefined),
    ]);
    const isSame = write === undefined || sameDatabase(direct, write);
    return direct !== undefined && isSame ? dbOf('direct') : dbOf('write');
  });
  const store = once(async (): Promise<Store> => {
    const { store: url, s3 } = config();
    const place = parseS3Url(url);
    const { quarters, clock } = await house();
    return place === undefined ? quarters.store : openS3Store(place, s3, { clock, limits: STORE_LIMITS });
  });

  return {
    ...given,
    entry,
    config,
    house,
    look,
    identity,
    db,
    settings: once(async () => {
      const answers = await identity('direct').then(
        () => true,
        () => false,
      );
      return readServerSettings(answers ? dbOf('direct') : await db());
    }),
    store,
    quarters: once(async () => {
      const { quarters } = await house();
      const primary = await db();
      const database: Database = { ...quarters.database, write: primary, read: primary, direct: primary };
      return { ...quarters, database, store: await store() };
    }),
    close: async () => {
      for (const one of looks.values()) one.cut();
      // Neither connects to anything only to be closed.
      const opened = await Promise.allSettled([house(), store()]);
      for (const one of opened) if (one.status === 'fulfilled') await one.value.close?.();
    },
  };
}

/** Whether two connections lead to one database; a name alone says little. Where the system is not told, the rest decides. */
export function sameDatabase(one: Identity | undefined, other: Identity | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  const known = one.system !== undefined && other.system !== undefined;
  return one.oid === other.oid && one.database === other.database && (!known || one.system === other.system);
}
