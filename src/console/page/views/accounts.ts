import { html, nothing, type TemplateResult } from 'lit-html';
import { accountTable } from '../ledger/account-parts.ts';
import { accountAddress } from '../ledger/entries.ts';
import { faultsOf } from '../ledger/faults.ts';
import { createFirstAccounts } from '../ledger/first-accounts.ts';
import { frame, partAddress } from '../ledger/frame.ts';
import { answered, load } from '../ledger/load.ts';
import { capital } from '../ledger/search-form.ts';
import { problem } from '../problem.ts';
import type { CreateView } from '../view.ts';

const ways = [
  {
    by: 'entity_id',
    name: 'Owner',
    label: 'Owner (the first part of an address, as user-1)',
    hint: 'All of the name; capitals count. A whole address, as user-1:WALLET, leads to that account.',
  },
  {
    by: 'phone',
    name: 'Phone',
    label: 'Phone of the owner',
    hint: 'With its country code, as +49 151 12345678.',
  },
  {
    by: 'id',
    name: 'Id',
    label: 'Id',
    hint: 'The number that the page of an account names, as 42; or several with commas between them.',
  },
] as const;
type Way = (typeof ways)[number]['by'];

/** Looks for accounts in one of the three ways there are; the way and what is looked for are in the address. */
export const createAccounts: CreateView = (context) => {
  const { api, signal, parameters, query, go, update } = context;
  const { ledger = '' } = parameters;
  const asked = ways.find(({ by }) => query.has(by))?.by;
  let by: Way = asked ?? 'entity_id';
  const value = query.get(by)?.trim() ?? '';
  const found =
    asked === undefined || value === ''
      ? undefined
      : load(context, async () => {
          const params = { path: { ledger }, query: { [asked]: value } };
          return answered(await api.GET('/v1/ledgers/{ledger}/accounts', { params, signal })).accounts;
        });

  const first = found === undefined ? createFirstAccounts(context, ledger) : undefined;

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const text = String(form.get('value') ?? '').trim();
    if (text === '') return;
    const isAddress = by === 'entity_id' && text.includes(':');
    const search = new URLSearchParams({ [by]: plain(by, text) });
    go(isAddress ? accountAddress(ledger, text) : `${partAddress(ledger, 'accounts')}?${search}`);
  }

  function results(): TemplateResult | typeof nothing {
    if (found === undefined) return first?.() ?? nothing;
    if (found.error !== undefined)
      return faultsOf(found.error, [by]).size > 0 ? nothing : problem(found.error);
    if (found.value === undefined) return html`<p class="waiting" role="status">Searching …</p>`;
    const { length } = found.value;
    if (length === 0) {
      return html`<div class="card" role="status"><h2>No account found</h2>
        <p>${ledger} has none with this ${nameOf(asked ?? by)}. An owner is looked for by all of the name, and capitals count.
          Transactions are searched by <a href=${partAddress(ledger, 'transactions')}>user and reference</a>.</p></div>`;
    }
    return html`<p role="status" class="count">${length} ${length === 1 ? 'account' : 'accounts'}</p>
      ${accountTable(ledger, found.value, 'Accounts found')}`;
  }

  return {
    title: () => `Accounts of ${ledger}`,
    render: () => {
      const fault = asked === by ? faultsOf(found?.error, [by]).get(by) : undefined;
      return frame({
        context,
        ledger,
        part: 'accounts',
        heading: 'Accounts',
        body: html`<form class="card search" aria-label="Look for accounts" novalidate @submit=${submit}>
            <div class="row">
              <div class="filter narrow">
                <label for="by">Look by</label>
                <select id="by" @change=${(event: Event) => {
                  by = (event.target as HTMLSelectElement).value as Way;
                  update();
                }}>
                  ${ways.map((way) => html`<option value=${way.by} .selected=${way.by === by}>${way.name}</option>`)}
                </select>
              </div>
              <div class="filter grow">
                <label for="value">${ways.find((way) => way.by === by)?.label}</label>
                <input id="value" name="value" autocomplete="off" spellcheck="false" .value=${value}
                  aria-describedby=${fault === undefined ? 'value-hint' : 'value-hint value-fault'} aria-invalid=${fault === undefined ? nothing : 'true'}>
              </div>
              <button type="submit" class="primary">Search</button>
            </div>
            <p class="filter-hint" id="value-hint">${ways.find((way) => way.by === by)?.hint}</p>
            ${fault === undefined ? nothing : html`<p class="filter-fault" id="value-fault">${capital(fault)}</p>`}
          </form>
          <section aria-label="Results">${results()}</section>`,
      });
    },
  };
};

function nameOf(by: Way): string {
  return ways.find((way) => way.by === by)?.name.toLowerCase() ?? '';
}

/** As people write numbers of phones and lists: blanks and signs go, and 00 is a plus. */
function plain(by: Way, text: string): string {
  if (by === 'phone') return text.replace(/[\s()/.-]/g, '').replace(/^00/, '+');
  return by === 'id' ? text.replace(/\s+/g, '') : text;
}
