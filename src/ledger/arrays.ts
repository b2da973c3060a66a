/**
 * Arrays as PostgreSQL's array literals, to be cast: `$1::text[]`. node-postgres would look at every element to find out what
 * it is, which costs more than all the rest of writing a batch.
 */

/** Of what needs no quotes: numbers, uuids, instants in ISO form. */
export function plainArray(values: readonly (bigint | number | string | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`;
}

/** Of any text; null and undefined become NULL. */
export function textArray(values: readonly (string | null | undefined)[]): string {
  return `{${values.map((value) => (value == null ? 'NULL' : quoted(value))).join(',')}}`;
}

export function instantArray(values: readonly (Date | null | undefined)[]): string {
  return plainArray(values.map((value) => value?.toISOString() ?? null));
}

/** Always quoted, so that neither NULL, nor braces, commas or blanks mean anything. */
function quoted(value: string): string {
  return `"${/["\\]/.test(value) ? value.replace(/["\\]/g, '\\$&') : value}"`;
}
