import { html, nothing, type TemplateResult } from 'lit-html';
import { copyButton } from '../ledger/copy.ts';
import { entriesTable, postingsTable } from '../ledger/entries.ts';
import { searchAddress } from '../ledger/filters.ts';
import { frame } from '../ledger/frame.ts';
import { load } from '../ledger/load.ts';
import { metadataFacts } from '../ledger/metadata.ts';
import { money } from '../ledger/money.ts';
import { type Found, findTransaction, quarterOfId } from '../ledger/one.ts';
import { statusMeaning, statusTag } from '../ledger/status.ts';
import { shortId, transactionAddress } from '../ledger/transaction-table.ts';
import { formatExact } from '../ledger/when.ts';
import { own } from '../own.ts';
import { problem } from '../problem.ts';
import type { CreateView } from '../view.ts';

/** One transaction or reservation, and what it has to do with others. */
export const createTransaction: CreateView = (context) => {
  const { about, parameters } = context;
  const { ledger = '', id = '' } = parameters;
  const found = load(context, () => findTransaction(context, ledger, id));
  const quarter = quarterOfId(id, about.zone);

  const when = (instant: string) =>
    html`<time datetime=${instant}>${formatExact(instant, about.zone)}</time> <span class="faint">${about.zone}</span>`;
  const other = (of: string) => html`<a class="mono" href=${transactionAddress(ledger, of)}>${of}</a>`;
  const quarterLink = (name: string) =>
    html`<a href=${`/console/quarters/${encodeURIComponent(name)}`}>${name}</a>`;
  const fact = (name: string, value: unknown) =>
    value === null || value === undefined ? nothing : html`<dt>${name}</dt><dd>${value}</dd>`;

  function all({ transaction, archive }: Found): TemplateResult {
    const { reservation, metadata, entries } = transaction;
    return html`
      ${archive === null ? nothing : fromArchive(archive)}
      <section class="card" aria-label="What it is">
        <p class="headline">
          ${money(transaction.amount, { about, currency: transaction.currency })} ${transaction.currency}
          ${statusTag(transaction.status)}
        </p>
        <p class="faint">${statusMeaning[transaction.status] ?? nothing}</p>
        <dl class="facts">
          ${fact('Id', html`<code>${transaction.id}</code> ${copyButton(transaction.id, 'Copy id')}`)}
          ${fact(reservation === null ? 'Booked' : 'Reserved', when(transaction.created_at))}
          ${fact('Truly happened', transaction.effective_at && when(transaction.effective_at))}
          ${fact(
            'User',
            transaction.user_id &&
              html`<a href=${searchAddress(ledger, { user_id: transaction.user_id })}>${own(transaction.user_id)}</a>`,
          )}
          ${fact('Reference', transaction.reference_code && own(transaction.reference_code))}
          ${fact('Description', transaction.description && own(transaction.description))}
          ${fact('Quarter', quarter && quarterLink(quarter))}
          ${fact('Reverses', transaction.reverses && other(transaction.reverses))}
          ${fact('Reversed by', transaction.reversed_by && other(transaction.reversed_by))}
          ${fact('Settles the reservation', transaction.settles && other(transaction.settles))}
          ${fact('Settled by', reservation?.transaction_id && other(reservation.transaction_id))}
          ${fact('Frees its funds', reservation?.resolved_at === null && reservation.expires_at ? when(reservation.expires_at) : undefined)}
          ${fact('Resolved', reservation?.resolved_at && when(reservation.resolved_at))}
        </dl>
      </section>
      ${
        reservation === null
          ? nothing
          : html`<section class="card"><h2>${transaction.status === 'PENDING' ? 'What it holds' : 'What it held'}</h2>
            ${postingsTable(about, ledger, reservation.postings)}</section>`
      }
      ${
        entries === undefined || (reservation !== null && entries.length === 0)
          ? nothing
          : html`<section class="card"><h2>Entries</h2>
            ${
              entries.length === 0
                ? html`<p>None: ${transaction.status === 'FAILED' ? 'what failed moved no money.' : 'it moved no account.'}</p>`
                : entriesTable(about, ledger, entries)
            }</section>`
      }
      ${metadata === null ? nothing : html`<section class="card"><h2>Metadata</h2>${metadataFacts(metadata)}</section>`}`;
  }

  function fromArchive(archive: string): TemplateResult {
    const command = `quartermaster query "SELECT a.entity_id || ':' || a.group_type AS account, e.amount, a.currency, e.balance_after FROM entries AS e JOIN accounts AS a ON a.ledger_id = e.ledger_id AND a.id = e.account_id WHERE e.transaction_id = '${id}'" --quarters ${archive}`;
    return html`<div class="card archived">
      <p>Read from the archive of ${quarterLink(archive)}. Its entries are in the archive too; the command line reads them:</p>
      <p><code>${command}</code> ${copyButton(command, 'Copy command')}</p>
    </div>`;
  }

  function body(): TemplateResult {
    if (found.value !== undefined) return all(found.value);
    if (found.pending) return html`<p class="waiting" role="status">Reading …</p>`;
    return html`${problem(found.error)}
      <p>${
        quarter === undefined
          ? 'Ids of transactions begin with their time, and this one does not.'
          : html`By its id it would be of ${quarterLink(quarter)}.`
      }
        <a href=${searchAddress(ledger)}>Search the transactions of ${ledger}</a></p>`;
  }

  return {
    title: () => `Transaction ${shortId(id)}`,
    render: () => {
      const { transaction } = found.value ?? {};
      const what = transaction?.reservation ? 'Reservation' : 'Transaction';
      return frame({
        context,
        ledger,
        part: 'transactions',
        heading: html`${what} <span class="mono">${own(transaction?.reference_code ?? shortId(id))}</span>`,
        body: body(),
      });
    },
  };
};
