import { html, nothing, type TemplateResult } from 'lit-html';
import type { About } from '../session.ts';
import type { ViewContext } from '../view.ts';
import { dayOf, shiftDay } from './days.ts';
import { answered, type Loaded, load } from './load.ts';

/** What a field of currencies knows once it has been answered. */
export interface Currencies {
  /** Those that the ledger has used, in their order. */
  readonly used: readonly string[];
  /** What stood in the field by then: somebody may have chosen while it was asked. */
  readonly typed: string | undefined;
}

/**
 * The currencies that a ledger has used in the last year, from its summaries by quarter: a few lines, however much was booked.
 * They only order a list, so who cannot be told them is shown the list as it is.
 */
export function loadCurrencies(context: ViewContext, ledger: string, now: Date): Loaded<Currencies> {
  const { api, signal, about } = context;
  return load(context, async () => {
    const to = dayOf(now, about.zone);
    const query = { from: shiftDay(to, -364), to, group_by: 'quarter' } as const;
    const params = { path: { ledger }, query };
    const { summaries } = answered(await api.GET('/v1/ledgers/{ledger}/summaries/daily', { params, signal }));
    const used = [...new Set(summaries.map(({ currency }) => currency))].toSorted();
    return { used, typed: document.querySelector<HTMLSelectElement>('select[name="currency"]')?.value };
  });
}

export interface CurrencyOptions {
  readonly about: Pick<About, 'currencies'>;
  /** The name of the ledger, whose currencies come first. */
  readonly ledger: string;
  readonly currencies: Currencies | undefined;
  /** What the address says. */
  readonly chosen: string | undefined;
}

/** What stands in a field of currencies: those of the ledger first, for the world has hundreds. */
export function currencyOptions({
  about,
  ledger,
  currencies,
  chosen: said = '',
}: CurrencyOptions): TemplateResult {
  const { used = [], typed: chosen = said } = currencies ?? {};
  const option = (code: string) => html`<option value=${code} .selected=${code === chosen}>${code}</option>`;
  const codes = about.currencies.map(({ code }) => code);
  const known = chosen === '' || codes.includes(chosen) ? codes : [...codes, chosen];
  const others = known.filter((code) => !used.includes(code));
  return html`<option value="" .selected=${chosen === ''}>Every currency</option>
    ${
      used.length === 0
        ? others.map(option)
        : html`<optgroup label=${`Used in ${ledger}`}>${used.map(option)}</optgroup>
          ${others.length === 0 ? nothing : html`<optgroup label="All others">${others.map(option)}</optgroup>`}`
    }`;
}
