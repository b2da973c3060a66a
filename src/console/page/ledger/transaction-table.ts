import { html, type TemplateResult } from 'lit-html';
import type { components } from '../../../../clients/typescript/src/index.ts';
import { formatInstant } from '../format.ts';
import { own } from '../own.ts';
import type { About } from '../session.ts';
import { money, widest } from './money.ts';
import { statusTag } from './status.ts';

export type Transaction = components['schemas']['ListedTransaction'];

export function transactionAddress(ledger: string, id: string): string {
  return `/console/ledger/${encodeURIComponent(ledger)}/transactions/${encodeURIComponent(id)}`;
}

/** The last part of an id, which tells those of one batch apart: the first is the time. */
export function shortId(id: string): string {
  return `…${id.slice(-12)}`;
}

/** Transactions below each other, newest first. On a telephone what is said on the page of each is left out. */
export function transactionTable(
  about: About,
  ledger: string,
  transactions: readonly Transaction[],
): TemplateResult {
  const align = widest(
    about,
    transactions.map(({ currency }) => currency),
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Transactions found">
    <table class="stack" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Booked <span class="zone">(${about.zone})</span></th>
          <th scope="col" role="columnheader">Transaction</th>
          <th scope="col" role="columnheader">Status</th>
          <th scope="col" role="columnheader" class="wide">User</th>
          <th scope="col" role="columnheader" class="wide">Description</th>
          <th scope="col" role="columnheader" class="number">Amount</th>
          <th scope="col" role="columnheader"><span class="hidden-text">Currency</span></th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${transactions.map(
          (one) => html`<tr role="row">
            <td role="cell" class="when">${formatInstant(one.created_at, about.zone)}</td>
            <td role="cell" class="what"><a href=${transactionAddress(ledger, one.id)}>${own(one.reference_code ?? shortId(one.id))}</a></td>
            <td role="cell" class="standing">${statusTag(one.status)}</td>
            <td role="cell" class="wide text">${own(one.user_id)}</td>
            <td role="cell" class="wide text long">${own(one.description)}</td>
            <td role="cell" class="number amount">${money(one.amount, { about, currency: one.currency, align })}</td>
            <td role="cell" class="currency">${one.currency}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
