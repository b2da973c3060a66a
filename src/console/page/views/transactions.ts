import { html, nothing, type TemplateResult } from 'lit-html';
import { now } from '../clock.ts';
import { formatCount } from '../format.ts';
import { archivedNote, archiveHead, isAllIn } from '../ledger/archived.ts';
import { loadCurrencies } from '../ledger/currencies.ts';
import { faultsOf } from '../ledger/faults.ts';
import {
  type FilterName,
  fields,
  isNarrowed,
  readFilters,
  searchAddress,
  without,
} from '../ledger/filters.ts';
import { frame, goToFirstLedger, noLedger } from '../ledger/frame.ts';
import { type Loaded, load } from '../ledger/load.ts';
import { readTotal, type SearchPage, searchPage } from '../ledger/search.ts';
import { searchForm } from '../ledger/search-form.ts';
import { transactionTable } from '../ledger/transaction-table.ts';
import { problem } from '../problem.ts';
import type { CreateView, View } from '../view.ts';

const filterNames: Readonly<Partial<Record<FilterName, string>>> = {
  user_id: 'the user',
  status: 'the status',
  reference_prefix: 'the reference',
  account: 'the account',
  currency: 'the currency',
  from: 'the first day',
  to: 'the last day',
};

/** The transactions of a ledger, searched; the search is in the address. */
export const createTransactions: CreateView = (context) => {
  const { about, parameters, query, go } = context;
  const filters = readFilters(query);
  const { ledger } = parameters;
  if (ledger === undefined) {
    goToFirstLedger(context, (first) => searchAddress(first, filters));
    return { title: () => 'Ledger', render: () => (about.ledgers.length === 0 ? noLedger(context) : html``) };
  }
  return createSearch(ledger);

  function createSearch(ledger: string): View {
    const page = load(context, () => searchPage(context, ledger, filters));
    // Counted beside, on the first page only: a list need not wait for its total.
    const total =
      filters.cursor === undefined ? load(context, () => readTotal(context, ledger, filters)) : undefined;
    const at = now();
    const currencies = loadCurrencies(context, ledger, at);

    function results(): TemplateResult {
      const faults = faultsOf(page.error, [...fields, 'quarter']);
      if (page.error !== undefined) {
        return faults.size > 0 && !faults.has('quarter')
          ? html`<p class="problem" role="alert">Nothing was searched: a field above is not right.</p>`
          : html`${problem(page.error)}${again(page)}`;
      }
      if (page.value === undefined) return html`<p class="waiting" role="status">Searching …</p>`;
      const { transactions, archived, next } = page.value;
      return html`
        ${transactions.length === 0 ? html`${archivedNote(ledger, filters, archived)} ${empty(archived)}` : found(page.value)}
        ${
          filters.cursor === undefined && next === null
            ? nothing
            : html`<nav class="row pages" aria-label="Pages">
                ${filters.cursor === undefined ? nothing : html`<a class="button" href=${searchAddress(ledger, without(filters))}>First page</a>`}
                ${next === null ? html`<span class="faint">This is the last page.</span>` : html`<a class="button" rel="next" href=${searchAddress(ledger, { ...filters, cursor: next })}>Next page</a>`}
              </nav>`
        }
        ${transactions.length === 0 ? nothing : archivedNote(ledger, filters, archived)}`;
    }

    function found({ transactions }: SearchPage): TemplateResult {
      const { value } = total ?? {};
      return html`
        <p role="status" class="count">
          ${formatCount(transactions.length)} ${transactions.length === 1 ? 'transaction' : 'transactions'}, newest first${
            value === undefined
              ? ''
              : ` · ${value.exact ? '' : 'at least '}${formatCount(value.count)} in all${value.archived ? ', those of archived quarters included' : ''}`
          }
        </p>
        ${transactionTable(about, ledger, transactions)}`;
    }

    function empty(archived: readonly string[]): TemplateResult | typeof nothing {
      // What is above says it all: no other search of what is online finds anything in these days.
      if (isAllIn(archived, filters)) return nothing;
      const set = fields.filter((name) => filters[name] !== undefined);
      const { quarter } = filters;
      const among =
        quarter !== undefined
          ? `the archive of ${quarter} holds`
          : `${ledger} holds${archived.length === 0 ? '' : ' online'}`;
      return html`<div class="card" role="status">
        <h2>Nothing found${quarter === undefined ? ' online' : ` in the archive of ${quarter}`}</h2>
        ${
          isNarrowed(filters)
            ? html`<p>Of all that ${among} nothing fits every filter. A user is searched by all of the name, a reference by how
              it begins, and capitals count. Search again</p>
              <ul class="links">${set.map((name) => html`<li><a href=${searchAddress(ledger, without(filters, name))}>without ${filterNames[name]}</a></li>`)}</ul>`
            : archived.length > 0
              ? html`<p>${ledger} holds nothing online.</p>`
              : html`<p>${ledger} has no transactions yet. They are posted through <a href="/docs">the API</a>, or loaded from a file with
              <code>quartermaster load</code>.</p>`
        }
      </div>`;
    }

    return {
      title: () => `Transactions of ${ledger}`,
      render: () =>
        frame({
          context,
          ledger,
          part: 'transactions',
          heading: 'Transactions',
          elsewhere: (other) => searchAddress(other, without(filters, 'account', 'quarter')),
          body: html`
            ${filters.quarter === undefined ? nothing : archiveHead(ledger, filters)}
            ${searchForm({
              about,
              ledger,
              filters,
              currencies: currencies.value,
              now: at,
              faults: faultsOf(page.error, fields),
              onSearch: (address) => go(address),
            })}
            <section aria-label="Results" aria-busy=${page.pending ? 'true' : 'false'}>${results()}</section>`,
        }),
    };
  }
};

function again(page: Loaded<unknown>): TemplateResult {
  return html`<button type="button" @click=${() => void page.again()} ?disabled=${page.pending}>Try again</button>`;
}
