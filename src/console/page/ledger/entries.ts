import { html, type TemplateResult } from 'lit-html';
import type { components } from '../../../../clients/typescript/src/index.ts';
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
    <table>
      <thead>
        <tr>
          <th scope="col">Account</th>
          <th scope="col" class="number">Amount</th>
          <th scope="col" class="number">Balance after</th>
          <th scope="col">Currency</th>
          <th scope="col" class="number wide">Entry no.</th>
        </tr>
      </thead>
      <tbody>
        ${entries.map(
          ({ account, currency, amount, balance_after, version }) => html`<tr>
            <td><a href=${accountAddress(ledger, account, currency)}>${account}</a></td>
            <td class="number">${money(amount, { about, currency, align, signed: true })}</td>
            <td class="number">${money(balance_after, { about, currency, align })}</td>
            <td>${currency}</td>
            <td class="number wide">${version}</td>
          </tr>`,
        )}
      </tbody>
      <tfoot>
        ${[...sums].map(
          ([currency, sum]) => html`<tr>
            <th scope="row">Sum</th>
            <td class="number">${money(String(sum), { about, currency, align, signed: true })}</td>
            <td></td>
            <td>${currency}</td>
            <td class="wide"></td>
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
            <td><a href=${accountAddress(ledger, from, currency)}>${from}</a></td>
            <td><a href=${accountAddress(ledger, to, currency)}>${to}</a></td>
            <td class="number">${money(amount, { about, currency, align })}</td>
            <td>${currency}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
