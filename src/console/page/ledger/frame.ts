import { html, nothing, type TemplateResult } from 'lit-html';
import type { ViewContext } from '../view.ts';

export type LedgerPart = 'transactions' | 'accounts' | 'charts';

export interface FrameOptions {
  readonly context: ViewContext;
  readonly ledger: string;
  /** Under which of the three one is. */
  readonly part: LedgerPart;
  readonly heading: TemplateResult | string;
  readonly body: TemplateResult;
  /** Where the same question is asked of another ledger; its front page where that makes no sense. */
  readonly elsewhere?: (ledger: string) => string;
}

const parts: readonly { readonly part: LedgerPart; readonly name: string }[] = [
  { part: 'transactions', name: 'Transactions' },
  { part: 'accounts', name: 'Accounts' },
  { part: 'charts', name: 'Charts' },
];

export function partAddress(ledger: string, part: LedgerPart): string {
  return `/console/ledger/${encodeURIComponent(ledger)}/${part}`;
}

/** What is around every view of a ledger: which ledger, and what one may look at in it. */
export function frame({ context, ledger, part, heading, body, elsewhere }: FrameOptions): TemplateResult {
  const { about, go } = context;
  // One that the person may not see, or that there is none of, stands there all the same: the server says what is wrong.
  const ledgers = about.ledgers.includes(ledger) ? about.ledgers : [ledger, ...about.ledgers];
  const choose = (event: Event) => {
    const chosen = (event.target as HTMLSelectElement).value;
    go(elsewhere?.(chosen) ?? partAddress(chosen, part));
  };
  return html`
    <div class="ledger-bar">
      <div class="ledger-choice"><label for="ledger">Ledger</label>
        <select id="ledger" @change=${choose} ?disabled=${ledgers.length < 2}>
          ${ledgers.map((name) => html`<option value=${name} .selected=${name === ledger}>${name}</option>`)}
        </select>
      </div>
      <nav class="tabs" aria-label=${`Ledger ${ledger}`}>
        ${parts.map(
          (one) =>
            html`<a href=${partAddress(ledger, one.part)} aria-current=${one.part === part ? 'page' : nothing}>${one.name}</a>`,
        )}
      </nav>
    </div>
    <h1>${heading}</h1>
    ${body}`;
}

/** Where there is no ledger yet, or none that the person may see. */
export function noLedger({ session }: Pick<ViewContext, 'session'>): TemplateResult {
  if (session.ledgers !== null)
    return html`<h1>Ledger</h1>
      <p class="card">There is no ledger that you may see. Ask those who run Quartermaster for a key of yours that covers one.</p>`;
  return html`<h1>Ledger</h1>
    <div class="card">
      <p><strong>There is no ledger yet.</strong> It is made in one of two ways, and is shown here when you come again:</p>
      <ul>
        <li>from a file of transactions: <code>quartermaster load FILE --ledger NAME --create-ledger --create-accounts</code></li>
        <li>empty, by a program with a key of the role admin: <code>POST /v1/ledgers</code> of <a href="/docs">the API</a></li>
      </ul>
    </div>`;
}

/** The person went to the section and named no ledger: the first one that they may see. */
export function goToFirstLedger(
  { about, go, signal }: ViewContext,
  address: (ledger: string) => string,
): void {
  const [first] = about.ledgers;
  // A view that is being made cannot be left yet.
  queueMicrotask(() => {
    if (first !== undefined && !signal.aborted) go(address(first), { replace: true });
  });
}
