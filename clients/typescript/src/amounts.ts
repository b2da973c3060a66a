/**
 * An amount of minor units, as `1250n` or `'1250'`. Never a number: what is booked may be larger than one holds exactly, and
 * 12.5 would be half a cent.
 */
export type Amount = bigint | string;

/** An amount that is none. The message says which, and what to give instead. */
export class AmountError extends RangeError {
  override readonly name = 'AmountError';
}

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?$/;
const INTEGER = /^[+-]?\d+$/;
/** More decimals has no currency there is. */
const MOST_DECIMALS = 30;

/**
 * Decimal text as minor units of a currency: `toMinor('12.50', 2)` → `1250n`. Exact, however long the text. Decimals beyond
 * the currency's are taken while they are zeros.
 *
 * @param text digits with a `.` before the decimals; no grouping, no symbol, no exponent
 * @param exponent decimals of the currency: `GET /v1/about` lists them
 * @throws AmountError for a number, for anything else than such a text, and for more decimals than the currency has
 */
export function toMinor(text: string, exponent: number): bigint {
  checkExponent(exponent);
  refuseOthers(text, 'write it as text, as "12.50"');
  const [, sign, whole = '', fraction = ''] = DECIMAL.exec(text) ?? [];
  if (sign === undefined) {
    throw new AmountError(
      `${shown(text)} is no amount: write digits with a . before the decimals, as 1234.50, without grouping or a symbol.`,
    );
  }
  const kept = fraction.replace(/0+$/, '');
  if (kept.length > exponent) {
    throw new AmountError(
      `${shown(text)} has ${kept.length} decimals, and the currency has ${exponent}: round it first.`,
    );
  }
  const size = BigInt(whole + kept.padEnd(exponent, '0'));
  return sign === '-' ? -size : size;
}

/**
 * Minor units as decimal text with all of the currency's decimals: `fromMinor(1250n, 2)` → `'12.50'`, `fromMinor('-5', 2)` →
 * `'-0.05'`. `toMinor` reads it again.
 *
 * @throws AmountError for anything else than a bigint or a text of digits
 */
export function fromMinor(minor: Amount, exponent: number): string {
  checkExponent(exponent);
  const amount = minorOf(minor);
  const digits = String(amount < 0n ? -amount : amount).padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent);
  return `${amount < 0n ? '-' : ''}${whole}${exponent === 0 ? '' : `.${digits.slice(-exponent)}`}`;
}

/** An amount as the API answers it, or as one gives it, as a bigint. @throws AmountError */
export function minorOf(minor: Amount): bigint {
  return typeof minor === 'bigint' ? minor : BigInt(amountText(minor, 'the amount'));
}

/**
 * An amount as the API takes it: text of minor units. A whole number that JavaScript holds exactly is let through for those
 * who have no types; the API takes it too.
 *
 * @param where for the message
 * @throws AmountError
 */
export function amountText(amount: Amount, where: string): string {
  if (typeof amount === 'bigint') return String(amount);
  const given: unknown = amount;
  if (typeof given === 'number' && Number.isSafeInteger(given)) return String(given);
  refuseOthers(amount, `give ${where} as a bigint or as text of minor units, as 1250n or "1250"`);
  if (INTEGER.test(amount)) return amount.replace(/^\+/, '');
  throw new AmountError(
    `${where} is ${shown(amount)}, and amounts are whole minor units, as 1250n or "1250": toMinor("12.50", 2) makes them.`,
  );
}

function refuseOthers(amount: unknown, instead: string): asserts amount is string {
  if (typeof amount === 'string') return;
  if (typeof amount !== 'number') throw new AmountError(`${shown(amount)} is no text: ${instead}.`);
  const why = Number.isInteger(amount)
    ? 'a number holds whole amounts exactly only up to 9007199254740991'
    : 'a number cannot hold most decimals exactly';
  throw new AmountError(`${amount} is a number, and ${why}: ${instead}.`);
}

function checkExponent(exponent: number): void {
  if (Number.isInteger(exponent) && exponent >= 0 && exponent <= MOST_DECIMALS) return;
  throw new AmountError(`A currency has 0 to ${MOST_DECIMALS} decimals, not ${shown(exponent)}.`);
}

function shown(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
