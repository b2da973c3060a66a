import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { formatBytes, formatCount } from '../format.ts';
import { byYear, dayWords, periodOf, whenOf } from './calendar.ts';
import { mark, stateTag } from './sign.ts';
import type { Quarter } from './types.ts';
import { isDamaged, nextWords } from './words.ts';

export interface TimelineOptions {
  readonly quarters: readonly Quarter[];
  readonly zone: string;
  readonly now: number;
  /** Cards, one below the other, instead of a table. */
  readonly isNarrow: boolean;
}

/** All quarters by year, the oldest first: a table, or cards where there is no room for one. */
export function timeline(options: TimelineOptions): TemplateResult {
  return options.isNarrow ? cards(options) : table(options);
}

function table(options: TimelineOptions): TemplateResult {
  const { quarters, zone } = options;
  return html`<p class="faint" id="timeline-about">
    From the oldest to the ones ahead, in the days of ${zone}. Rows are transactions, with their entries below; bytes in the database count indexes.
  </p>
  <div class="scroll" role="region" aria-labelledby="timeline-title" tabindex="0">
    <table class="timeline" aria-labelledby="timeline-title" aria-describedby="timeline-about">
      <thead>
        <tr>
          <th scope="col">Quarter</th>
          <th scope="col">State</th>
          <th scope="col">What comes next</th>
          <th scope="col" class="number">Rows</th>
          <th scope="col" class="number">In the database</th>
          <th scope="col" class="number">In the archive</th>
        </tr>
      </thead>
      ${repeat(
        byYear(quarters),
        ({ year }) => year,
        ({ year, quarters: some }) => html`<tbody>
          <tr class="year"><th scope="rowgroup" colspan="6">${year}</th></tr>
          ${repeat(
            some,
            ({ quarter }) => quarter,
            (one) => row(one, options),
          )}
        </tbody>`,
      )}
    </table>
  </div>`;
}

function row(quarter: Quarter, { zone, now }: TimelineOptions): TemplateResult {
  const when = whenOf(quarter, now);
  return html`<tr class="when-${when}">
    <th scope="row">
      <a href=${`/console/quarters/${quarter.quarter}`}>${quarter.quarter}</a>
      <span class="period">${periodOf(quarter, zone)}</span>
    </th>
    <td class="states">${states(quarter, now)}</td>
    <td class="next">${nextWords(quarter, zone, now) ?? none()}</td>
    <td class="number">
      ${amount(quarter, quarter.transactions)}
      <span class="period">${formatCount(quarter.entries)} ${quarter.entries === 1 ? 'entry' : 'entries'}</span>
    </td>
    <td class="number">${quarter.online_bytes === 0 ? none() : formatBytes(quarter.online_bytes)}</td>
    <td class="number">
      ${
        quarter.archived_bytes === 0
          ? none()
          : html`${formatBytes(quarter.archived_bytes)}<span class="period">${verified(quarter, zone)}</span>`
      }
    </td>
  </tr>`;
}

function cards(options: TimelineOptions): TemplateResult {
  return html`${repeat(
    byYear(options.quarters),
    ({ year }) => year,
    ({ year, quarters: some }) => html`<h3 class="year">${year}</h3>
      <ol class="cards">
        ${repeat(
          some,
          ({ quarter }) => quarter,
          (one) => card(one, options),
        )}
      </ol>`,
  )}`;
}

function card(quarter: Quarter, { zone, now }: TimelineOptions): TemplateResult {
  const next = nextWords(quarter, zone, now);
  return html`<li class="card when-${whenOf(quarter, now)}">
    <p class="card-head">
      <a href=${`/console/quarters/${quarter.quarter}`}>${quarter.quarter}</a>
      <span class="states">${states(quarter, now)}</span>
    </p>
    <p class="period">${periodOf(quarter, zone)}</p>
    <dl class="facts">
      <dt>Transactions</dt><dd>${amount(quarter, quarter.transactions)}</dd>
      ${quarter.online_bytes === 0 ? nothing : html`<dt>In the database</dt><dd>${formatBytes(quarter.online_bytes)}</dd>`}
      ${
        quarter.archived_bytes === 0
          ? nothing
          : html`<dt>In the archive</dt><dd>${formatBytes(quarter.archived_bytes)}, ${verified(quarter, zone)}</dd>`
      }
      ${next === undefined ? nothing : html`<dt>Next</dt><dd>${next}</dd>`}
    </dl>
  </li>`;
}

/** The state, and what is so besides. */
export function states(quarter: Quarter, now: number): TemplateResult {
  const { state, hold_reason, stale_reason, awaiting_approval } = quarter;
  const when = whenOf(quarter, now);
  return html`${stateTag(state)}
  ${state === 'open' && when === 'present' ? html`<span class="mark">now</span>` : nothing}
  ${state === 'open' && when === 'future' ? mark('ahead', 'ahead') : nothing}
  ${state === 'open' && when === 'past' ? mark('stale', 'ended, not closed') : nothing}
  ${hold_reason === null ? nothing : mark('held', 'held', hold_reason)}
  ${stale_reason === null ? nothing : mark('stale', 'stale', stale_reason)}
  ${awaiting_approval.map((verb) => mark('waiting', `${verb} waits for approval`))}
  ${isDamaged(quarter) ? mark('damaged', 'archive damaged') : nothing}`;
}

function amount({ exact }: Quarter, count: number): TemplateResult {
  return html`${exact ? nothing : html`<span class="faint">about </span>`}${formatCount(count)}`;
}

function verified(quarter: Quarter, zone: string): string {
  if (isDamaged(quarter)) return 'found damaged';
  return quarter.verified_at === null ? 'not verified' : `verified ${dayWords(quarter.verified_at, zone)}`;
}

function none(): TemplateResult {
  return html`<span class="faint" aria-hidden="true">–</span><span class="hidden-text">none</span>`;
}
