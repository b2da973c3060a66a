import { html, nothing, type TemplateResult } from 'lit-html';
import type { components, operations } from '../../../../clients/typescript/src/index.ts';
import { formatCount, formatInstant } from '../format.ts';
import { own } from '../own.ts';
import type { About } from '../session.ts';
import { accountAddress } from './entries.ts';
import { searchAddress } from './filters.ts';
import { money } from './money.ts';

export type Account = components['schemas']['Account'];
export type Balance = operations['getBalance']['responses']['200']['content']['application/json'];

const states: Readonly<
  Record<Account['status'], { readonly sign: string; readonly look: string; readonly means: string }>
> = {
  ACTIVE: { sign: '●', look: 'good', means: 'takes part in transactions' },
  BLOCKED: { sign: '■', look: 'bad', means: 'takes part in no transaction until it is unblocked' },
  CLOSED: { sign: '○', look: 'mute', means: 'is empty and takes part in no transaction' },
};

export function accountState(status: Account['status']): TemplateResult {
  const { sign, look } = states[status];
  const name = status.charAt(0) + status.slice(1).toLowerCase();
  return html`<span class="status ${look}"><span aria-hidden="true">${sign}</span> ${name}</span>`;
}

/** Accounts below each other, each a link. */
export function accountTable(ledger: string, accounts: readonly Account[], label: string): TemplateResult {
  return html`<div class="scroll" role="region" tabindex="0" aria-label=${label}>
    <table>
      <thead>
        <tr>
          <th scope="col">Account</th>
          <th scope="col">Currency</th>
          <th scope="col">Status</th>
          <th scope="col" class="wide">Name</th>
          <th scope="col" class="number wide">Id</th>
        </tr>
      </thead>
      <tbody>
        ${accounts.map(
          ({ id, account, currency, status, name }) => html`<tr>
            <td class="what"><a href=${accountAddress(ledger, account, currency)}>${own(account)}</a></td>
            <td>${currency}</td>
            <td>${accountState(status)}</td>
            <td class="wide text">${own(name)}</td>
            <td class="number wide">${id}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** What is on an account now, and what of it is free. */
export function balanceFacts(
  about: About,
  ledger: string,
  account: Account,
  balance: Balance,
): TemplateResult {
  const { currency } = account;
  const amount = (minor: string | null | undefined, without: string) =>
    minor === null || minor === undefined ? without : html`${money(minor, { about, currency })} ${currency}`;
  const pending = searchAddress(ledger, { status: 'PENDING', account: account.account, currency });
  const held = balance.pending_out !== '0' || balance.pending_in !== '0';
  return html`<dl class="figures">
      <div><dt>Balance</dt><dd class="large">${amount(balance.posted, '')}</dd></div>
      <div><dt>Available</dt><dd>${amount(balance.available, 'no limit')}</dd></div>
      <div><dt>Held by reservations</dt><dd>${amount(balance.pending_out, '')}</dd></div>
      <div><dt>To come by reservations</dt><dd>${amount(balance.pending_in, '')}</dd></div>
      <div><dt>Never below</dt><dd>${amount(balance.min_balance, 'no limit')}</dd></div>
    </dl>
    <p class="faint">
      ${balance.at === undefined ? nothing : html`As of ${formatInstant(balance.at, about.zone)} ${about.zone}. `}
      ${balance.version === undefined ? nothing : html`${formatCount(balance.version)} ${balance.version === 1 ? 'entry' : 'entries'} in all. `}
      ${held ? html`<a href=${pending}>Its reservations</a>` : nothing}
    </p>`;
}

export function accountMeaning({ status }: Account): string {
  return `It ${states[status].means}.`;
}
