import { html, nothing, svg, type TemplateResult } from 'lit-html';
import { formatInstant } from '../format.ts';
import { own } from '../own.ts';
import type { About } from '../session.ts';
import { type BalanceStep, balanceLine } from './balance-line.ts';
import { exponentOf, money } from './money.ts';
import type { StatementLine } from './statement.ts';
import { shortId, transactionAddress } from './transaction-table.ts';

const WIDTH = 1000;
const HEIGHT = 120;

/** The balance over the lines of a page, as a small line with its ends named. `lines` are newest first. */
export function balanceDrawing(
  about: About,
  currency: string,
  lines: readonly StatementLine[],
): TemplateResult | typeof nothing {
  const oldest = lines.at(-1);
  const newest = lines[0];
  if (oldest === undefined || newest === undefined) return nothing;
  const before: BalanceStep = {
    at: Date.parse(oldest.created_at),
    balance: BigInt(oldest.balance_after) - BigInt(oldest.amount),
  };
  const steps = lines.map((line) => ({
    at: Date.parse(line.created_at),
    balance: BigInt(line.balance_after),
  }));
  const line = balanceLine([before, ...steps.reverse()], WIDTH, HEIGHT);
  if (line === undefined) return nothing;
  const amount = (minor: bigint) => money(String(minor), { about, currency });
  const zero =
    line.zero === undefined
      ? nothing
      : svg`<line class="zero" x1="0" x2=${WIDTH} y1=${line.zero} y2=${line.zero} vector-effect="non-scaling-stroke"></line>`;
  return html`<figure class="balance-line">
    <figcaption>Balance from ${formatInstant(oldest.created_at, about.zone)} to ${formatInstant(newest.created_at, about.zone)}
      <span class="faint">(${about.zone})</span></figcaption>
    <div class="plot">
      <p class="ends"><span>${amount(line.highest)} ${currency}</span><span>${amount(line.lowest)} ${currency}</span></p>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img"
        aria-label="A line of the balance after each entry below">
        ${zero}
        <path d=${line.path} vector-effect="non-scaling-stroke"></path>
      </svg>
    </div>
  </figure>`;
}

/** Every entry with the balance it left, newest first. */
export function statementTable(
  about: About,
  ledger: string,
  currency: string,
  lines: readonly StatementLine[],
): TemplateResult {
  const align = exponentOf(about, currency);
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Statement">
    <table class="stack" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Booked <span class="zone">(${about.zone})</span></th>
          <th scope="col" role="columnheader">Transaction</th>
          <th scope="col" role="columnheader" class="wide">Description</th>
          <th scope="col" role="columnheader" class="number">Amount <span class="zone">(${currency})</span></th>
          <th scope="col" role="columnheader" class="number">Balance <span class="zone">(${currency})</span></th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${lines.map(
          (line) => html`<tr role="row">
            <td role="cell" class="when">${formatInstant(line.created_at, about.zone)}${
              line.effective_at === null
                ? nothing
                : html`<br><span class="faint">happened ${formatInstant(line.effective_at, about.zone)}</span>`
            }</td>
            <td role="cell" class="what"><a href=${transactionAddress(ledger, line.transaction_id)}>${own(line.reference_code ?? shortId(line.transaction_id))}</a></td>
            <td role="cell" class="wide text long">${own(line.description)}</td>
            <td role="cell" class="number amount">${money(line.amount, { about, currency, align, signed: true })}</td>
            <td role="cell" class="number balance" data-label="Balance">${money(line.balance_after, { about, currency, align })}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
