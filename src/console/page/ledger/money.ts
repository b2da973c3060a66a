import { html, nothing, type TemplateResult } from 'lit-html';
import { formatAmount } from '../format.ts';
import type { About } from '../session.ts';

/** Decimals of a currency; none where it is not known, so that at least no digit is wrong. */
export function exponentOf({ currencies }: Pick<About, 'currencies'>, currency: string): number {
  return currencies.find(({ code }) => code === currency)?.exponent ?? 0;
}

/** The most decimals of these currencies: what a column of them is aligned to. */
export function widest(about: Pick<About, 'currencies'>, currencies: Iterable<string>): number {
  return Math.max(0, ...[...currencies].map((currency) => exponentOf(about, currency)));
}

export interface MoneyOptions {
  readonly about: Pick<About, 'currencies'>;
  readonly currency: string;
  /** With + or − and a colour: what came in and what went out. Without it an amount has no direction. */
  readonly signed?: boolean;
  /** Decimals that the column has at most: blanks as wide as digits keep the points below each other. */
  readonly align?: number;
}

/** An amount in a cell, without its currency. */
export function money(
  minor: string,
  { about, currency, signed = false, align = 0 }: MoneyOptions,
): TemplateResult {
  const exponent = exponentOf(about, currency);
  const text = formatAmount(minor, exponent);
  const way = !signed || /^-?0+$/.test(minor) ? '' : minor.startsWith('-') ? 'out' : 'in';
  const blank =
    align > exponent ? `${exponent === 0 ? '\u2008' : ''}${'\u2007'.repeat(align - exponent)}` : '';
  return html`<span class="money ${way}">${way === 'in' ? `+${text}` : text}${blank === '' ? nothing : html`<span class="blank">${blank}</span>`}</span>`;
}
