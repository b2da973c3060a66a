import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { formatAmount, formatCount } from '../format.ts';
import { problem } from '../problem.ts';
import type { ViewContext } from '../view.ts';
import { accountsTable } from './trial-accounts.ts';
import { type AccountsAsked, type AccountsFound, readAccounts, type SortColumn } from './trial-question.ts';
import type { Total } from './types.ts';

/** How many accounts are drawn at first, and at most. */
const FEW = 50;
export const MOST = 1000;

/** The trial balance of one quarter: what it comes to, and its accounts in the order that somebody chose. */
export interface TrialBalance {
  /** Reads it, again where the quarter was closed anew. */
  load(): Promise<void>;
  /** True while the last question was not answered. */
  hasFailed(): boolean;
  render(): TemplateResult;
}

export function createTrialBalance({ api, signal, update }: ViewContext, quarter: string): TrialBalance {
  let totals: readonly Total[] | undefined;
  let found: AccountsFound | undefined;
  let failure: unknown;
  let asked: AccountsAsked = {
    ledger: '',
    currency: '',
    prefix: '',
    isMoved: true,
    sort: 'closing',
    order: 'desc',
    limit: FEW,
  };
  let asking = new AbortController();
  let typing: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener('abort', () => clearTimeout(typing));

  async function load(): Promise<void> {
    try {
      const { data } = await api.GET('/v1/quarters/{quarter}/trial-balance', {
        params: { path: { quarter } },
        signal,
      });
      totals = data?.totals ?? [];
      const [first] = totals;
      const isKnown = totals.some(
        ({ ledger, currency }) => ledger === asked.ledger && currency === asked.currency,
      );
      if (first !== undefined && !isKnown)
        asked = { ...asked, ledger: first.ledger, currency: first.currency };
      await ask({});
    } catch (error) {
      if (signal.aborted) return;
      failure = error;
      update();
    }
  }

  /** Asks for other accounts, or in another order: the last question alone is answered. */
  async function ask(changes: Partial<AccountsAsked>): Promise<void> {
    asked = { ...asked, ...changes };
    asking.abort();
    asking = new AbortController();
    const own = AbortSignal.any([signal, asking.signal]);
    update();
    try {
      const answer = await readAccounts(api, quarter, asked, own);
      if (own.aborted) return;
      found = answer;
      failure = undefined;
    } catch (error) {
      if (own.aborted) return;
      failure = error;
    }
    update();
  }

  function sortBy(sort: SortColumn): void {
    const isSame = asked.sort === sort;
    const first = sort === 'account' ? 'asc' : 'desc';
    const other = first === 'asc' ? 'desc' : 'asc';
    void ask({ sort, order: isSame && asked.order === first ? other : first });
  }

  function render(): TemplateResult {
    return html`<section class="card" aria-labelledby="balance-title">
      <h2 id="balance-title">Trial balance</h2>
      ${failure === undefined ? nothing : problem(failure)}
      ${totals === undefined ? (failure === undefined ? html`<p class="faint">Reading it …</p>` : nothing) : content(totals)}
    </section>`;
  }

  function content(known: readonly Total[]): TemplateResult {
    if (known.length === 0) return html`<p>No account has ever moved: there is nothing to balance.</p>`;
    return html`<p class="row">
        <a class="button" download href=${`/v1/quarters/${quarter}/trial-balance.csv`}>Download all accounts (CSV)</a>
        <a class="button" download href=${`/v1/quarters/${quarter}/trial-balance.csv?moved=true`}>Only those that moved (CSV)</a>
      </p>
      ${totalsTable(known)}
      <h3 id="accounts-title">Accounts</h3>
      <form class="row filters" @submit=${(event: Event) => event.preventDefault()}>
        <div class="filter">
          <label for="balance-of">Ledger and currency</label>
          <select id="balance-of" @change=${(event: Event) => choose(known, event)}>
            ${known.map(
              ({ ledger, currency }, i) =>
                html`<option value=${i} ?selected=${ledger === asked.ledger && currency === asked.currency}>${ledger}, ${currency}</option>`,
            )}
          </select>
        </div>
        <div class="filter">
          <label for="balance-prefix">Account begins with</label>
          <input id="balance-prefix" type="search" autocomplete="off" spellcheck="false" placeholder="user-1" maxlength="160" @input=${type} />
        </div>
        <div class="filter tick">
          <input
            id="balance-moved"
            type="checkbox"
            ?checked=${asked.isMoved}
            @change=${(event: Event) => void ask({ isMoved: (event.target as HTMLInputElement).checked })}
          />
          <label for="balance-moved">Only those that moved</label>
        </div>
      </form>
      ${found === undefined ? html`<p class="faint">Reading the accounts …</p>` : accounts(found)}`;
  }

  function choose(known: readonly Total[], event: Event): void {
    const one = known[Number((event.target as HTMLSelectElement).value)];
    if (one !== undefined) void ask({ ledger: one.ledger, currency: one.currency });
  }

  /** Once the person stops typing. */
  function type(event: Event): void {
    const prefix = (event.target as HTMLInputElement).value;
    clearTimeout(typing);
    typing = setTimeout(() => void ask({ prefix }), 250);
  }

  function accounts({ accounts: some, more }: AccountsFound): TemplateResult {
    if (some.length === 0) return html`<p role="status">No account fits.</p>`;
    const what = `${formatCount(some.length)} ${some.length === 1 ? 'account' : 'accounts'}`;
    return html`<p role="status" class="faint">
        ${more ? `The first ${what} of more, in the order shown. All of them are in the CSV.` : `${what}: all that fit.`}
      </p>
      ${accountsTable(some, { sort: asked.sort, order: asked.order, sortBy })}
      ${
        more && asked.limit < MOST
          ? html`<p><button type="button" @click=${() => void ask({ limit: MOST })}>Show up to ${formatCount(MOST)}</button></p>`
          : nothing
      }`;
  }

  return { load, hasFailed: () => failure !== undefined, render };
}

/** What it comes to, by ledger and currency. Debits and credits are equal, and the last column is 0: or something is wrong. */
function totalsTable(totals: readonly Total[]): TemplateResult {
  return html`<p class="faint" id="totals-about">
    Of all accounts, those that did not move included. Debits and credits are equal, and opening and closing are 0, when the books are right.
  </p>
  <div class="scroll" role="region" aria-label="Totals of the trial balance" tabindex="0">
    <table class="totals" aria-label="Totals of the trial balance" aria-describedby="totals-about">
      <thead>
        <tr>
          <th scope="col">Ledger</th>
          <th scope="col">Currency</th>
          <th scope="col" class="number">Accounts</th>
          <th scope="col" class="number">Opening</th>
          <th scope="col" class="number">Debits</th>
          <th scope="col" class="number">Credits</th>
          <th scope="col" class="number">Closing</th>
          <th scope="col">Balanced</th>
        </tr>
      </thead>
      <tbody>
        ${repeat(
          totals,
          ({ ledger, currency }) => `${ledger} ${currency}`,
          ({ ledger, currency, exponent, accounts, opening, debits, credits, closing }) => html`<tr>
            <th scope="row">${ledger}</th>
            <td>${currency}</td>
            <td class="number">${formatCount(accounts)}</td>
            <td class="number">${formatAmount(opening, exponent)}</td>
            <td class="number">${formatAmount(debits, exponent)}</td>
            <td class="number">${formatAmount(credits, exponent)}</td>
            <td class="number">${formatAmount(closing, exponent)}</td>
            <td>${isBalanced(debits, credits, closing) ? html`<span class="yes">yes</span>` : html`<strong class="no">no</strong>`}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Debits may be told with a sign of their own: what counts is that both are as large. */
function isBalanced(debits: string, credits: string, closing: string): boolean {
  return debits.replace('-', '') === credits.replace('-', '') && BigInt(closing) === 0n;
}
