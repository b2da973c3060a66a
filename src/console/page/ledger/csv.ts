/** Rows as CSV (RFC 4180). What a spreadsheet would take for a formula is kept from being one. */
export function toCsv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: string | number): string {
  if (typeof value === 'number' || /^-?\d+(\.\d+)?$/.test(value)) return String(value);
  const text = /^[=+\-@\t]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Minor units with a point and nothing else, as programs read them: `-1234567` → `-12345.67`. */
export function plainAmount(minor: string, exponent: number): string {
  if (exponent === 0) return minor;
  const below = minor.startsWith('-');
  const digits = (below ? minor.slice(1) : minor).padStart(exponent + 1, '0');
  return `${below ? '-' : ''}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
