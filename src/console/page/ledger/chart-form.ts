import { html, nothing, type TemplateResult } from 'lit-html';
import type { About } from '../session.ts';
import { type ChartQuery, chartAddress } from './chart-query.ts';
import { type Currencies, currencyOptions } from './currencies.ts';
import { daysOfQuarter, quarterOfDay, shiftDay } from './days.ts';
import { periodNames } from './periods.ts';
import { capital } from './search-form.ts';

export interface ChartFormOptions {
  readonly about: About;
  readonly ledger: string;
  readonly query: ChartQuery;
  readonly faults: ReadonlyMap<string, string>;
  /** Currencies of the ledger, once they are known. */
  readonly currencies: Currencies | undefined;
  readonly today: string;
  onShow(address: string): void;
}

/** What is to be charted. */
export function chartForm({
  about,
  ledger,
  query,
  faults,
  currencies,
  today,
  onShow,
}: ChartFormOptions): TemplateResult {
  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    onShow(
      chartAddress(
        ledger,
        Object.fromEntries([...form].map(([name, value]) => [name, String(value).trim()])),
      ),
    );
  }
  const marks = (name: string) => ({
    invalid: faults.has(name) ? 'true' : nothing,
    by: faults.has(name) ? `${name}-fault` : nothing,
  });
  const fault = (name: string) =>
    faults.has(name)
      ? html`<p class="filter-fault" id=${`${name}-fault`}>${capital(faults.get(name) ?? '')}</p>`
      : nothing;
  const input = (
    name: 'from' | 'to' | 'user_id',
    label: string,
    type: 'date' | 'text',
  ) => html`<div class="filter">
      <label for=${name}>${label}</label>
      <input id=${name} name=${name} type=${type} autocomplete="off" .value=${query[name] ?? ''}
        aria-invalid=${marks(name).invalid} aria-describedby=${marks(name).by}>
      ${fault(name)}
    </div>`;
  const choice = (
    name: 'group_by' | 'currency' | 'status',
    label: string,
    options: TemplateResult | readonly (readonly [string, string])[],
  ) =>
    html`<div class="filter">
      <label for=${name}>${label}</label>
      <select id=${name} name=${name} aria-invalid=${marks(name).invalid} aria-describedby=${marks(name).by}>
        ${
          'strings' in options
            ? options
            : options.map(
                ([value, words]) =>
                  html`<option value=${value} .selected=${value === (query[name] ?? '')}>${words}</option>`,
              )
        }
      </select>
      ${fault(name)}
    </div>`;

  const quarter = quarterOfDay(today);
  const { currency, status, user_id } = query;
  const kept = { ...(currency && { currency }), ...(status && { status }), ...(user_id && { user_id }) };
  const ranges = [
    ['Last 30 days', { from: shiftDay(today, -29), to: today }],
    ['This quarter', daysOfQuarter(quarter)],
    ['Last quarter', daysOfQuarter(quarter, -1)],
    ['Last 12 months', { from: shiftDay(today, -364), to: today }],
    ['Last 3 years', { from: daysOfQuarter(quarter, -12).from, to: today }],
  ] as const;
  return html`<form class="card search" aria-label="What the charts show" novalidate @submit=${submit}>
    <div class="fields">
      ${input('from', 'From', 'date')} ${input('to', 'To the end of', 'date')}
      ${choice(
        'group_by',
        'By',
        periodNames.map((name) => [name, capital(name)] as const),
      )}
      ${choice('currency', 'Currency', currencyOptions({ about, ledger, currencies, chosen: query.currency }))}
      ${choice('status', 'Status', [
        ['', 'Booked and failed'],
        ['SUCCESS', 'Booked'],
        ['FAILED', 'Failed'],
      ])}
      ${input('user_id', 'User', 'text')}
    </div>
    <div class="row search-end">
      <button type="submit" class="primary">Show</button>
      <p class="ranges faint">Days of ${about.zone}:
        ${ranges.map(([name, days]) => html`<a href=${chartAddress(ledger, { ...days, ...kept })}>${name}</a> `)}
      </p>
    </div>
  </form>`;
}
