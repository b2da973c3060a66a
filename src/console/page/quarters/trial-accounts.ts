import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { formatAmount } from '../format.ts';
import { own } from '../own.ts';
import type { SortColumn, TrialAccount } from './trial-question.ts';

export interface AccountsOptions {
  readonly sort: SortColumn;
  readonly order: 'asc' | 'desc';
  sortBy(column: SortColumn): void;
}

const columns: readonly { readonly column: SortColumn; readonly name: string; readonly isNumber: boolean }[] =
  [
    { column: 'account', name: 'Account', isNumber: false },
    { column: 'opening', name: 'Opening', isNumber: true },
    { column: 'debits', name: 'Debits', isNumber: true },
    { column: 'credits', name: 'Credits', isNumber: true },
    { column: 'closing', name: 'Closing', isNumber: true },
  ];

/** Accounts in the order in which the server gave them; each head asks for another. */
export function accountsTable(
  accounts: readonly TrialAccount[],
  { sort, order, sortBy }: AccountsOptions,
): TemplateResult {
  return html`<div class="scroll tall" role="region" aria-labelledby="accounts-title" tabindex="0">
    <table class="accounts">
      <thead>
        <tr>
          ${columns.map(({ column, name, isNumber }) => {
            const isSorted = column === sort;
            return html`<th
              scope="col"
              class=${isNumber ? 'number' : nothing}
              aria-sort=${isSorted ? (order === 'asc' ? 'ascending' : 'descending') : 'none'}
            >
              <button type="button" @click=${() => sortBy(column)}>
                ${name}<span class="arrow" aria-hidden="true">${isSorted ? (order === 'asc' ? ' ↑' : ' ↓') : ' ↕'}</span>
              </button>
            </th>`;
          })}
          <th scope="col">Currency</th>
        </tr>
      </thead>
      <tbody>
        ${repeat(
          accounts,
          ({ ledger, account, currency }) => `${ledger} ${account} ${currency}`,
          ({
            account,
            name,
            currency,
            exponent,
            opening,
            debits,
            credits,
            closing,
            ledger,
            moved,
          }) => html`<tr>
            <th scope="row">
              <a href=${`/console/ledger/${encodeURIComponent(ledger)}/accounts/${encodeURIComponent(account)}`}>${own(account)}</a>
              ${name === '' ? nothing : html`<span class="faint">${own(name)}</span>`}
              ${moved ? nothing : html`<span class="tag">did not move</span>`}
            </th>
            <td class="number">${formatAmount(opening, exponent)}</td>
            <td class="number">${formatAmount(debits, exponent)}</td>
            <td class="number">${formatAmount(credits, exponent)}</td>
            <td class="number">${formatAmount(closing, exponent)}</td>
            <td>${currency}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
