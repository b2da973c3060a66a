import { type Amount, fromMinor } from './amounts.ts';

/** How an amount is written. */
export interface AmountFormat {
  /** Between thousands; `,` when it is left out. */
  readonly group?: string;
  /** Before the decimals; `.` when it is left out. */
  readonly decimal?: string;
  /** Before an amount below zero; `-` when it is left out. */
  readonly minus?: string;
}

/** How people of a language write it. */
export interface LocaleFormat {
  /** As `de-CH`. */
  readonly locale: string;
  /** As `EUR`, to be written with its symbol or, with `display`, its code or its name. */
  readonly currency?: string;
  readonly display?: 'symbol' | 'narrowSymbol' | 'code' | 'name';
}

/**
 * Minor units for people: `formatAmount(1234567n, 2)` → `12,345.67`, with `{ locale: 'de-CH', currency: 'CHF' }` →
 * `CHF 12’345.67`. All digits are kept, however many: it passes through no float.
 *
 * @param exponent decimals of the currency; all are written
 * @throws AmountError for an amount that is none
 */
export function formatAmount(
  minor: Amount,
  exponent: number,
  format: AmountFormat | LocaleFormat = {},
): string {
  const text = fromMinor(minor, exponent);
  if ('locale' in format) return inLocale(text, exponent, format);
  const { group = ',', decimal = '.', minus = '-' } = format;
  const isBelow = text.startsWith('-');
  const [whole = '', fraction] = (isBelow ? text.slice(1) : text).split('.');
  // A function, for a separator may hold a `$`.
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, () => group);
  return `${isBelow ? minus : ''}${grouped}${fraction === undefined ? '' : `${decimal}${fraction}`}`;
}

function inLocale(text: string, exponent: number, { locale, currency, display }: LocaleFormat): string {
  const money =
    currency === undefined ? {} : { style: 'currency' as const, currency, currencyDisplay: display };
  const digits = { minimumFractionDigits: exponent, maximumFractionDigits: exponent };
  // Given a text, Intl reads all its digits (ECMA-402 of 2023).
  return new Intl.NumberFormat(locale, { ...money, ...digits }).format(text as `${number}`);
}
