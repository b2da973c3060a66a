import { html, type TemplateResult } from 'lit-html';
import type { Session } from '../session.ts';

/** True for who is let into some ledgers only. What quarters hold concerns all ledgers, so the server refuses it to them. */
export function isPartial({ ledgers }: Session): boolean {
  return ledgers !== null;
}

/** Said instead of a refusal: nothing is wrong, and there is something to go on with. */
export function notLetIn({ ledgers }: Session): TemplateResult {
  const names = ledgers ?? [];
  return html`<div class="card">
    <p>
      <strong>Quarters are those of all ledgers together</strong>, and your key is for
      ${names.length === 0 ? 'none of them' : html`${names.join(', ')} only`}. So this section is closed to you.
    </p>
    <p>
      Transactions, statements and charts of ${names.length === 1 ? 'your ledger' : 'your ledgers'} are under
      <a href="/console/ledger">Ledger</a>. To see quarters, ask for a key without a list of ledgers.
    </p>
  </div>`;
}

/** Where nobody knows of a quarter of that name: as a link that was typed, or is older than the ledger. */
export function noSuchQuarter(name: string): TemplateResult {
  return html`<div class="problem" role="alert">
    <p><strong>There is no quarter ${name}.</strong> A name is written as <code>2026q1</code>: the year, and which of its four quarters.</p>
    <p><a href="/console">See those there are</a>; the next one ahead is made there as well.</p>
    <p class="faint"><code>no_such_quarter</code></p>
  </div>`;
}
