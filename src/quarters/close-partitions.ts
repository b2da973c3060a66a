import { type RawBuilder, sql } from 'kysely';
import { assert } from '../core/errors.ts';
import { quarterTables } from '../core/tables.ts';
import { partitionSql } from '../db/partition.ts';
import type { Days } from './close-findings.ts';

/** The quarter's partition of a table by its own name, so that no lock on the whole table is held while it is read. */
export function partitionOf(name: 'entries' | 'transactions', quarter: string): RawBuilder<unknown> {
  const table = quarterTables.find((one) => one.name === name);
  assert(table, `${name} is not kept in quarters`);
  return sql.raw(partitionSql(table, quarter));
}

/** The local day of a row's `created_at`: a search among some 92 instants. */
export function dayOf(days: Days) {
  return sql`(${[...days.names]}::date[])[width_bucket(created_at, ${[...days.starts]}::timestamptz[])]`;
}
