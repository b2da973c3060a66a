import { html, nothing, type TemplateResult } from 'lit-html';
import { QuartermasterError } from '../../../../clients/typescript/src/index.ts';
import { now } from '../clock.ts';
import {
  type Account,
  accountMeaning,
  accountState,
  accountTable,
  balanceFacts,
} from '../ledger/account-parts.ts';
import { copyButton } from '../ledger/copy.ts';
import { dayOf } from '../ledger/days.ts';
import { accountAddress } from '../ledger/entries.ts';
import { faultsOf } from '../ledger/faults.ts';
import { searchAddress } from '../ledger/filters.ts';
import { frame } from '../ledger/frame.ts';
import { answered, load } from '../ledger/load.ts';
import { money } from '../ledger/money.ts';
import { capital } from '../ledger/search-form.ts';
import { readStatementPage, type StatementPage } from '../ledger/statement.ts';
import { balanceDrawing, statementTable } from '../ledger/statement-view.ts';
import { formatDate } from '../ledger/when.ts';
import { own, ownText } from '../own.ts';
import { problem } from '../problem.ts';
import type { CreateView } from '../view.ts';

/** What stands in the address of an account's page besides the account. */
const kept = ['currency', 'day', 'from', 'to', 'cursor'] as const;
type Kept = Partial<Record<(typeof kept)[number], string>>;

/** An account: what is on it now or was at the end of a day, and what moved it. */
export const createAccount: CreateView = (context) => {
  const { api, signal, about, parameters, query, go } = context;
  const { ledger = '', account: name = '' } = parameters;
  const wanted: Kept = {};
  for (const one of kept) {
    const value = query.get(one)?.trim();
    if (value) wanted[one] = value;
  }
  const currency = wanted.currency && { currency: wanted.currency };
  const path = { ledger, account: name };
  const today = dayOf(now(), about.zone);

  async function readAccount(): Promise<Account> {
    const asked = { params: { path, query: { ...currency } }, signal };
    return answered(await api.GET('/v1/ledgers/{ledger}/accounts/{account}', asked));
  }
  // Several wait for it.
  const reading = readAccount();
  const account = load(context, () => reading);
  const balance = load(context, async () =>
    answered(
      await api.GET('/v1/ledgers/{ledger}/accounts/{account}/balance', {
        params: { path, query: { ...currency } },
        signal,
      }),
    ),
  );
  const { day } = wanted;
  const closing =
    day === undefined
      ? undefined
      : load(context, async () =>
          answered(
            await api.GET('/v1/ledgers/{ledger}/accounts/{account}/balance', {
              params: { path, query: { ...currency, day } },
              signal,
            }),
          ),
        );
  // By its number, which means one account where an address means one in each currency.
  const statement = load(context, async () => {
    const { id } = await reading;
    return readStatementPage(context, ledger, id, wanted);
  });
  const siblings = load(context, async () => {
    const entity = name.includes(':') ? name.slice(0, name.indexOf(':')) : (await reading).entity_id;
    const wholeEntity = { params: { path: { ledger }, query: { entity_id: entity } }, signal };
    return answered(await api.GET('/v1/ledgers/{ledger}/accounts', wholeEntity)).accounts;
  });

  const address = (change: Kept) => {
    const to = new URLSearchParams();
    for (const [key, value] of Object.entries({ ...wanted, cursor: '', ...change }))
      if (value) to.set(key, value);
    const text = to.toString();
    return `${accountAddress(ledger, name)}${text === '' ? '' : `?${text}`}`;
  };

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    go(address(Object.fromEntries([...form].map(([key, value]) => [key, String(value).trim()]))));
  }

  const dayField = (name: 'from' | 'to' | 'day', label: string, faults: ReadonlyMap<string, string>) => {
    const fault = faults.get(name);
    return html`<div class="filter">
      <label for=${name}>${label}</label>
      <input id=${name} name=${name} type="date" .value=${wanted[name] ?? ''} max=${name === 'day' ? today : nothing}
        aria-invalid=${fault === undefined ? nothing : 'true'} aria-describedby=${fault === undefined ? nothing : `${name}-fault`}>
      ${fault === undefined ? nothing : html`<p class="filter-fault" id=${`${name}-fault`}>${capital(fault)}</p>`}
    </div>`;
  };

  function whatIs(one: Account): TemplateResult {
    const closingFaults = faultsOf(closing?.error, ['day']);
    return html`<section class="card" aria-label="Balance">
      <p>${accountState(one.status)} ${one.name === '' ? nothing : html`<strong>${own(one.name)}</strong>`}
        <span class="faint">${accountMeaning(one)} Id <code>${one.id}</code></span> ${copyButton(one.account, 'Copy address')}</p>
      ${
        balance.value === undefined
          ? balance.pending
            ? html`<p class="faint" role="status">Reading the balance …</p>`
            : problem(balance.error)
          : balanceFacts(about, ledger, one, balance.value)
      }
      <form class="row" aria-label="Balance of a day" novalidate @submit=${submit}>
        ${dayField('day', 'Balance at the end of', closingFaults)}
        <button type="submit">Show</button>
        <p class="closing" role="status">${
          closing?.value === undefined
            ? nothing
            : html`At the end of ${formatDate(closing.value.day ?? '')} (${about.zone}):
              <strong>${money(closing.value.posted, { about, currency: one.currency })} ${one.currency}</strong>`
        }</p>
      </form>
      ${closing?.error === undefined || closingFaults.size > 0 ? nothing : problem(closing.error)}
    </section>`;
  }

  function moved(one: Account, page: StatementPage): TemplateResult {
    const { lines, next, archived } = page;
    return html`
      ${
        lines.length === 0
          ? html`<p role="status">Nothing moved it${wanted.from || wanted.to ? ' on these days' : ''} in what is online.
              ${wanted.from || wanted.to ? html`<a href=${address({ from: '', to: '' })}>All days</a>` : nothing}</p>`
          : html`${balanceDrawing(about, one.currency, lines)} ${statementTable(about, ledger, one.currency, lines)}`
      }
      ${
        wanted.cursor === undefined && next === null
          ? nothing
          : html`<nav class="row pages" aria-label="Pages">
              ${wanted.cursor === undefined ? nothing : html`<a class="button" href=${address({})}>Newest</a>`}
              ${next === null ? html`<span class="faint">This is the last page.</span>` : html`<a class="button" rel="next" href=${address({ cursor: next })}>Older</a>`}
            </nav>`
      }
      ${
        archived.length === 0
          ? nothing
          : html`<p class="archived">Not in these lines, for they are archived:
              ${archived.map(
                (quarter) =>
                  html`<a href=${searchAddress(ledger, { quarter, account: one.account, currency: one.currency })}>${quarter}</a> `,
              )}The balances are right all the same.</p>`
      }`;
  }

  function statementCard(one: Account): TemplateResult {
    const faults = faultsOf(statement.error, ['from', 'to']);
    return html`<section class="card" aria-label="Statement" aria-busy=${statement.pending ? 'true' : 'false'}>
      <h2>Statement <span class="faint">newest first</span></h2>
      <form class="row" aria-label="Days of the statement" novalidate @submit=${submit}>
        ${dayField('from', 'From', faults)} ${dayField('to', 'To the end of', faults)}
        <button type="submit">Show</button>
        ${wanted.from || wanted.to ? html`<a class="button" href=${address({ from: '', to: '' })}>All days</a>` : nothing}
      </form>
      ${
        statement.value === undefined
          ? statement.pending
            ? html`<p class="waiting" role="status">Reading …</p>`
            : faults.size > 0
              ? nothing
              : problem(statement.error)
          : moved(one, statement.value)
      }
    </section>`;
  }

  function body(): TemplateResult {
    const one = account.value;
    const others = (siblings.value ?? []).filter(({ id }) => id !== one?.id);
    if (one === undefined) {
      if (account.pending) return html`<p class="waiting" role="status">Reading …</p>`;
      if (account.error instanceof QuartermasterError && account.error.code === 'currency_required') {
        const same = others.filter((other) => other.account === name);
        return html`<section class="card"><h2>In which currency?</h2>${accountTable(ledger, same, 'Accounts of this address')}</section>`;
      }
      return html`${problem(account.error)}
        <p><a href=${`/console/ledger/${encodeURIComponent(ledger)}/accounts`}>Look for an account of ${ledger}</a></p>`;
    }
    return html`${whatIs(one)} ${statementCard(one)}
      ${
        others.length === 0
          ? nothing
          : html`<section class="card"><h2>Other accounts of ${own(one.entity_id)}</h2>${accountTable(ledger, others, 'Other accounts')}</section>`
      }`;
  }

  return {
    title: () => `Account ${ownText(account.value?.account ?? name)}`,
    render: () =>
      frame({
        context,
        ledger,
        part: 'accounts',
        heading: html`${own(account.value?.account ?? name)} <span class="faint">${account.value?.currency ?? wanted.currency ?? nothing}</span>`,
        body: body(),
      }),
  };
};
