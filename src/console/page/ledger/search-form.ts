import { html, nothing, type TemplateResult } from 'lit-html';
import type { About } from '../session.ts';
import { type Currencies, currencyOptions } from './currencies.ts';
import { type Days, dayOf, daysOfMonth, daysOfQuarter, quarterOfDay } from './days.ts';
import { changed, type Field, type Filters, fields, searchAddress } from './filters.ts';

export interface SearchFormOptions {
  readonly about: About;
  readonly ledger: string;
  readonly filters: Filters;
  /** What the server says of a field. */
  readonly faults: ReadonlyMap<string, string>;
  /** Currencies of the ledger, once they are known. */
  readonly currencies: Currencies | undefined;
  /** Now, for "this quarter" and its like. */
  readonly now: Date;
  /** The person wants another search: its address. */
  onSearch(address: string): void;
}

interface FieldOptions {
  readonly name: Field;
  readonly label: string;
  readonly hint?: string;
  readonly input: (attributes: { id: string; describedBy: string; invalid: boolean }) => TemplateResult;
}

/** The filters of a search, as the address has them. Nothing is asked before the person says so. */
export function searchForm({
  about,
  ledger,
  filters,
  faults,
  currencies,
  now,
  onSearch,
}: SearchFormOptions): TemplateResult {
  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const wanted: Partial<Record<Field | 'quarter', string>> = {};
    for (const name of fields) wanted[name] = String(form.get(name) ?? '').trim();
    if (filters.quarter !== undefined) wanted.quarter = filters.quarter;
    onSearch(searchAddress(ledger, wanted));
  }

  const field = ({ name, label, hint, input }: FieldOptions) => {
    const fault = faults.get(name);
    const described = [hint && `${name}-hint`, fault && `${name}-fault`].filter(Boolean).join(' ');
    return html`<div class="filter">
      <label for=${name}>${label}</label>
      ${input({ id: name, describedBy: described, invalid: fault !== undefined })}
      ${hint === undefined ? nothing : html`<p class="filter-hint" id=${`${name}-hint`}>${hint}</p>`}
      ${fault === undefined ? nothing : html`<p class="filter-fault" id=${`${name}-fault`}>${capital(fault)}</p>`}
    </div>`;
  };
  const text = (name: Field, label: string, hint: string) =>
    field({
      name,
      label,
      hint,
      input: ({ id, describedBy, invalid }) =>
        html`<input id=${id} name=${name} autocomplete="off" spellcheck="false" .value=${filters[name] ?? ''}
          aria-describedby=${describedBy} aria-invalid=${invalid ? 'true' : nothing}>`,
    });
  const choice = (name: Field, label: string, options: TemplateResult | readonly TemplateResult[]) =>
    field({
      name,
      label,
      input: ({ id, describedBy, invalid }) =>
        html`<select id=${id} name=${name} aria-describedby=${describedBy || nothing} aria-invalid=${invalid ? 'true' : nothing}>
          ${options}
        </select>`,
    });
  const day = (name: 'from' | 'to', label: string) =>
    field({
      name,
      label,
      input: ({ id, describedBy, invalid }) =>
        html`<input id=${id} name=${name} type="date" .value=${filters[name] ?? ''}
          aria-describedby=${describedBy || nothing} aria-invalid=${invalid ? 'true' : nothing}>`,
    });

  const statuses = [
    ['', 'Booked or failed'],
    ['SUCCESS', 'Booked'],
    ['FAILED', 'Failed'],
    // An archive holds no reservations.
    ...(filters.quarter === undefined ? [['PENDING', 'Pending (reservations)'] as const] : []),
  ] as const;
  return html`<form class="card search" aria-label="Search transactions" novalidate @submit=${submit}>
    <div class="fields">
      ${text('user_id', 'User', 'All of the name, as user-123')}
      ${choice(
        'status',
        'Status',
        withOwn(statuses, filters.status).map(
          ([value, words]) =>
            html`<option value=${value} .selected=${value === (filters.status ?? '')}>${words}</option>`,
        ),
      )}
      ${text('reference_prefix', 'Reference', 'How it begins, as PAY-00')}
      ${text('account', 'Account', 'Address or id, as user-123:WALLET')}
      ${choice(
        'currency',
        'Currency',
        currencyOptions({ about, ledger, currencies, chosen: filters.currency }),
      )}
      ${day('from', 'From')}
      ${day('to', 'To the end of')}
    </div>
    <div class="row search-end">
      <button type="submit" class="primary">Search</button>
      <a class="button" href=${searchAddress(ledger, filters.quarter === undefined ? {} : { quarter: filters.quarter })}>Clear</a>
      <p class="ranges faint">Days of ${about.zone}:
        ${ranges(dayOf(now, about.zone)).map(
          ([name, days]) =>
            html`<a href=${searchAddress(ledger, changed(filters, { ...days }))}>${name}</a> `,
        )}
      </p>
    </div>
  </form>`;
}

function ranges(today: string): readonly (readonly [string, Days])[] {
  const quarter = quarterOfDay(today);
  return [
    ['Today', { from: today, to: today }],
    ['This month', daysOfMonth(today)],
    ['This quarter', daysOfQuarter(quarter)],
    ['Last quarter', daysOfQuarter(quarter, -1)],
  ];
}

/** What the address has and the list has not is shown, so that the fault of it is told of something one can see. */
function withOwn(
  options: readonly (readonly [string, string])[],
  own: string | undefined,
): readonly (readonly [string, string])[] {
  return own === undefined || options.some(([value]) => value === own) ? options : [...options, [own, own]];
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
