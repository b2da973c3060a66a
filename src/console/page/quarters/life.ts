import { html, nothing, type TemplateResult } from 'lit-html';
import { dayWords, untilWords } from './calendar.ts';
import { sign } from './sign.ts';
import type { QuarterDetail, QuarterState } from './types.ts';

/** The way of a quarter that nobody calls back. */
const way: readonly QuarterState[] = ['planned', 'open', 'closed', 'archived', 'detached', 'dropped'];

/** Where it stands in its life, drawn: what is behind it, where it is, what is ahead. */
export function lifeLine(quarter: QuarterDetail, zone: string): TemplateResult {
  const { state } = quarter;
  // A restored quarter has been detached, and perhaps dropped, and is on its way back there.
  const before = quarter.dropped_at === null ? 'detached' : 'dropped';
  const reached = way.indexOf(state === 'restored' ? before : state);
  return html`<ol class="life">
    ${way.map((one, i) => {
      const at = whenReached(one, quarter);
      const where = one === state ? 'present' : i <= reached ? 'behind' : 'ahead';
      return html`<li class="life-${where}" aria-current=${where === 'present' ? 'step' : nothing}>
        <span class="life-sign">${sign(one)}</span>
        <span class="life-name">${one}${where === 'behind' ? html`<span class="hidden-text"> (behind it)</span>` : nothing}</span>
        ${where !== 'ahead' && at !== null ? html`<span class="life-at">${dayWords(at, zone)}</span>` : nothing}
      </li>`;
    })}
    ${
      state !== 'restored'
        ? nothing
        : html`<li class="life-present life-back" aria-current="step">
          <span class="life-sign">${sign('restored')}</span>
          <span class="life-name">restored</span>
          ${
            quarter.restored_until === null
              ? nothing
              : html`<span class="life-at">until ${untilWords(quarter.restored_until, zone)}</span>`
          }
        </li>`
    }
  </ol>`;
}

function whenReached(state: QuarterState, quarter: QuarterDetail): string | null {
  switch (state) {
    case 'closed':
      return quarter.closed_at;
    case 'archived':
      return quarter.archived_at;
    case 'detached':
      return quarter.detached_at;
    case 'dropped':
      return quarter.dropped_at;
    default:
      return null;
  }
}
