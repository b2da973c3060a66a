import { html, type TemplateResult } from 'lit-html';
import { own } from '../own.ts';
import type { ViewContext } from '../view.ts';
import { accountAddress } from './entries.ts';
import { partAddress } from './frame.ts';
import { answered, load } from './load.ts';

/** How many are shown. */
const EXAMPLES = 8;

interface Example {
  readonly account: string;
  readonly currency: string;
  readonly name: string;
}

interface Examples {
  /** The last quarter that was closed. */
  readonly quarter: string;
  readonly accounts: readonly Example[];
}

/**
 * Where somebody begins who knows no account yet: those that moved most in the last quarter that was closed. Who may see some
 * ledgers only is refused what quarters hold, and is not made to ask for it.
 */
export function createFirstAccounts(context: ViewContext, ledger: string): () => TemplateResult {
  const { api, session, signal } = context;
  const examples = load<Examples | undefined>(context, async () => {
    if (session.ledgers !== null) return undefined;
    const { quarters } = answered(await api.GET('/v1/quarters', { signal }));
    const quarter = quarters.findLast(({ state }) => state !== 'planned' && state !== 'open')?.quarter;
    if (quarter === undefined) return undefined;
    const query = { ledger, moved: 'true', sort: 'debits', order: 'desc', limit: String(EXAMPLES) } as const;
    const params = { path: { quarter }, query };
    const { accounts } = answered(
      await api.GET('/v1/quarters/{quarter}/trial-balance/accounts', { params, signal }),
    );
    return { quarter, accounts };
  });

  return () => {
    const { quarter, accounts = [] } = examples.value ?? {};
    return html`<div class="card">
      <h2>Do you not know one yet?</h2>
      <p>The address of an account is its owner and what it is for, as <code>user-1:WALLET</code>.
        ${quarter === undefined ? 'One' : html`The trial balance of <a href=${`/console/quarters/${quarter}`}>${quarter}</a>, the last quarter that was closed, lists all of them, and one`}
        is behind each entry of a <a href=${partAddress(ledger, 'transactions')}>transaction</a>.</p>
      ${
        accounts.length === 0
          ? ''
          : html`<p>These moved most in ${quarter}:</p>
            <ul class="links">${accounts.map(
              ({ account, currency, name }) =>
                html`<li><a href=${accountAddress(ledger, account, currency)}>${own(account)}</a> <span class="faint">${currency}${name === '' ? '' : html`, ${own(name)}`}</span></li>`,
            )}</ul>`
      }
    </div>`;
  };
}
