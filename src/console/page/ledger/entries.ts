import { html, type TemplateResult } from 'lit-html';
import type { components } from '../../../../clients/typescript/src/index.ts';
import { own } from '../own.ts';
import type { About } from '../session.ts';
import { money, widest } from './money.ts';

type Entry = components['schemas']['Transaction']['entries'][number];

export function accountAddress(ledger: string, account: string, currency?: string): string {
  const path = `/console/ledger/${encodeURIComponent(ledger)}/accounts/${encodeURIComponent(account)}`;
  return currency === undefined ? path : `${path}?currency=${encodeURIComponent(currency)}`;
}

/** What a transaction did to each account. The sums stand below, for they have to be nothing. */
export function entriesTable(about: About, ledger: string, entries: readonly Entry[]): TemplateResult {
  const sums = new Map<string, bigint>();
  for (const { currency, amount } of entries) sums.set(currency, (sums.get(currency) ?? 0n) + BigInt(amount));
  const align = widest(about, sums.keys());
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Entries">
    <table class="stack" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Account</th>
          <th scope="col" role="columnheader" class="number">Amount</th>
          <th scope="col" role="columnheader" class="number">Balance after</th>
          <th scope="col" role="columnheader">Currency</th>
          <th scope="col" role="columnheader" class="number wide">Entry no.</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${entries.map(
          ({ account, currency, amount, balance_after, version }) => html`<tr role="row">
            <td role="cell" class="what"><a href=${accountAddress(ledger, account, currency)}>${own(account)}</a></td>
            <td role="cell" class="number amount">${money(amount, { about, currency, align, signed: true })}</td>
            <td role="cell" class="number balance" data-label="Balance after">${money(balance_after, { about, currency, align })}</td>
            <td role="cell" class="currency">${currency}</td>
            <td role="cell" class="number wide">${version}</td>
          </tr>`,
        )}
      </tbody>
      <tfoot role="rowgroup">
        ${[...sums].map(
          ([currency, sum]) => html`<tr role="row">
            <th scope="row" role="rowheader" class="what">Sum</th>
            <td role="cell" class="number amount">${money(String(sum), { about, currency, align, signed: true })}</td>
            <td role="cell" class="wide"></td>
            <td role="cell" class="currency">${currency}</td>
            <td role="cell" class="wide"></td>
          </tr>`,
        )}
      </tfoot>
    </table>
  </div>`;
}

/** What a reservation holds or held: from whom to whom. */
export function postingsTable(
  about: About,
  ledger: string,
  postings: NonNullable<components['schemas']['Transaction']['reservation']>['postings'],
): TemplateResult {
  const align = widest(
    about,
    postings.map(({ currency }) => currency),
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Reserved postings">
    <table>
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col" class="number">Amount</th>
          <th scope="col">Currency</th>
        </tr>
      </thead>
      <tbody>
        ${postings.map(
          ({ from, to, amount, currency }) => html`<tr>
            <td class="text"><a href=${accountAddress(ledger, from, currency)}>${own(from)}</a></td>
            <td class="text"><a href=${accountAddress(ledger, to, currency)}>${own(to)}</a></td>
            <td class="number">${money(amount, { about, currency, align })}</td>
            <td>${currency}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
