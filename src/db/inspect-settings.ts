import { sql } from 'kysely';
import type { Db } from './schema.ts';

/** A setting of the server as this session has it. */
export interface Setting {
  readonly name: string;
  /** In `unit`, where it has one. */
  readonly setting: string;
  /** `kB`, `8kB`, `MB`, `ms`, `s`, `min`, or none. */
  readonly unit: string | null;
  /** Where it comes from: `default`, `configuration file`, `database`, `user`, `database user`, … */
  readonly source: string;
}

export type Settings = ReadonlyMap<string, Setting>;

/** Those that this role is shown, as a session begins with them: what we have set for ourselves since is none of anybody's. */
export async function readServerSettings(db: Db): Promise<Settings> {
  const { rows } = await sql<Setting>`
    SELECT name, unit, CASE source WHEN 'session' THEN reset_val ELSE setting END AS setting,
           CASE source WHEN 'session' THEN 'role, database or server' ELSE source END AS source
    FROM pg_catalog.pg_settings`.execute(db);
  return new Map(rows.map((row) => [row.name, row]));
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1024,
  '8kB': 8192,
  '16kB': 16_384,
  '32kB': 32_768,
  MB: 1024 ** 2,
  ms: 1,
  s: 1000,
  min: 60_000,
};

/** In bytes or milliseconds, or as it is; undefined where it is not shown. */
export function amountOf(settings: Settings, name: string): number | undefined {
  const found = settings.get(name);
  if (found === undefined) return undefined;
  return Number(found.setting) * (UNITS[found.unit ?? ''] ?? 1);
}

/** How large all of it is, in bytes, and how often checkpoints came before their time. */
export interface ServerLoad {
  readonly bytes: number;
  readonly checkpointsTimed: number;
  readonly checkpointsRequested: number;
}

export async function readLoad(db: Db): Promise<ServerLoad> {
  const { rows } = await sql<{ bytes: number; version: number }>`
    SELECT pg_database_size(current_database())::float8 AS bytes,
           current_setting('server_version_num')::int AS version`.execute(db);
  const [{ bytes, version } = { bytes: 0, version: 0 }] = rows;
  // Since 17 they are counted in a view of their own.
  const counted =
    version >= 170_000
      ? sql<{ timed: number; requested: number }>`
          SELECT num_timed::float8 AS timed, num_requested::float8 AS requested FROM pg_catalog.pg_stat_checkpointer`
      : sql<{ timed: number; requested: number }>`
          SELECT checkpoints_timed::float8 AS timed, checkpoints_req::float8 AS requested FROM pg_catalog.pg_stat_bgwriter`;
  const [checkpoints] = (await counted.execute(db)).rows;
  return {
    bytes,
    checkpointsTimed: checkpoints?.timed ?? 0,
    checkpointsRequested: checkpoints?.requested ?? 0,
  };
}
