import {
  DuckDBListValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api';

/** A value as exact as it is in the file: what a double does not hold is text. */
export type Cell = string | number | boolean | null;

/**
 * A value of DuckDB as PostgreSQL would print it: the same query has the same answer from the database and from an
 * archive. Instants are in UTC, whatever the zone of this machine.
 */
export function cellOf(value: DuckDBValue, type: DuckDBType | undefined): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value;
  // JSON knows no NaN and no infinity.
  if (typeof value === 'number') return Number.isFinite(value) ? value : nonFinite(value);
  if (value instanceof DuckDBTimestampTZValue) {
    return value.isFinite ? `${new DuckDBTimestampValue(value.micros)}+00` : String(value);
  }
  if (value instanceof DuckDBListValue) {
    const inner = type?.typeId === DuckDBTypeId.LIST ? type.valueType : undefined;
    return `{${value.items.map((item) => element(cellOf(item, inner), inner)).join(',')}}`;
  }
  return String(value);
}

/** The name PostgreSQL has for a type, or DuckDB's where it has none. */
export function typeName(type: DuckDBType | undefined): string {
  if (type === undefined) return '?';
  if (type.typeId === DuckDBTypeId.DECIMAL) return `numeric(${type.width},${type.scale})`;
  if (type.typeId === DuckDBTypeId.LIST) return `${typeName(type.valueType)}[]`;
  return names[type.typeId] ?? String(type).toLowerCase();
}

const names: Readonly<Partial<Record<DuckDBTypeId, string>>> = {
  [DuckDBTypeId.TINYINT]: 'smallint',
  [DuckDBTypeId.UTINYINT]: 'smallint',
  [DuckDBTypeId.USMALLINT]: 'integer',
  [DuckDBTypeId.UINTEGER]: 'bigint',
  [DuckDBTypeId.UBIGINT]: 'numeric',
  [DuckDBTypeId.HUGEINT]: 'numeric',
  [DuckDBTypeId.UHUGEINT]: 'numeric',
  [DuckDBTypeId.FLOAT]: 'real',
  [DuckDBTypeId.DOUBLE]: 'double precision',
  [DuckDBTypeId.VARCHAR]: 'text',
  [DuckDBTypeId.BLOB]: 'bytea',
  [DuckDBTypeId.TIMESTAMP]: 'timestamp without time zone',
  [DuckDBTypeId.TIMESTAMP_TZ]: 'timestamp with time zone',
  [DuckDBTypeId.TIME]: 'time without time zone',
};

function nonFinite(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}

/** An element of an array as PostgreSQL writes it: quoted where it could be taken for something else. */
function element(cell: Cell, type: DuckDBType | undefined): string {
  if (cell === null) return 'NULL';
  if (typeof cell === 'boolean') return cell ? 't' : 'f';
  const text = String(cell);
  const isNested = type?.typeId === DuckDBTypeId.LIST;
  if (isNested || !/^$|^null$|[{}",\\\s]/i.test(text)) return text;
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
