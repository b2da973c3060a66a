import { html, nothing, type TemplateResult } from 'lit-html';
import { formatBytes, formatCount, formatInstant } from '../format.ts';
import { own } from '../own.ts';
import { prose } from '../prose.ts';
import { periodOf, untilWords } from './calendar.ts';
import { hash } from './hash.ts';
import type { QuarterDetail } from './types.ts';
import { isDamaged } from './words.ts';

/** What is known of a quarter, in the order in which people ask. */
export function facts(quarter: QuarterDetail, zone: string): TemplateResult {
  const at = (instant: string | null, name: string) =>
    instant === null ? nothing : html`<dt>${name}</dt><dd>${formatInstant(instant, zone)}</dd>`;
  const about = quarter.exact ? '' : 'about ';
  return html`<dl class="facts">
    <dt>Its days</dt>
    <dd>${periodOf(quarter, zone)} (${zone})</dd>
    <dt>Transactions</dt>
    <dd>${about}${formatCount(quarter.transactions)}</dd>
    <dt>Entries</dt>
    <dd>${about}${formatCount(quarter.entries)}</dd>
    <dt>In the ledger</dt>
    <dd>${quarter.attached ? 'yes: lists and statements show it' : 'no: lists and statements leave it out'}</dd>
    <dt>In the database</dt>
    <dd>${quarter.online_bytes === 0 ? 'nothing' : `${formatBytes(quarter.online_bytes)}, indexes included`}</dd>
    <dt>In the archive</dt>
    <dd>
      ${
        quarter.archived_bytes === 0
          ? 'nothing'
          : `${formatBytes(quarter.archived_bytes)}, ${formatCount(quarter.archived_rows)} rows`
      }
    </dd>
    ${
      quarter.archived_bytes === 0
        ? nothing
        : html`<dt>Last verified</dt>
          <dd>
            ${isDamaged(quarter) ? 'found damaged: see its story' : quarter.verified_at === null ? 'never' : formatInstant(quarter.verified_at, zone)}
          </dd>`
    }
    ${at(quarter.closed_at, 'Closed')} ${at(quarter.reopened_at, 'Last reopened')} ${at(quarter.archived_at, 'Archived')}
    ${at(quarter.detached_at, 'Detached')} ${at(quarter.dropped_at, 'Dropped')} ${at(quarter.restored_at, 'Last restored')}
    ${at(quarter.frozen_at, 'Frozen')}
    ${
      quarter.digest === null
        ? nothing
        : html`<dt>Hash of its content</dt><dd>${hash(quarter.digest, 'the hash of its content')}</dd>`
    }
  </dl>`;
}

/** What its last close looked at. */
export function checks({ checks: found, checked_at, state }: QuarterDetail, zone: string): TemplateResult {
  if (found === null || found.length === 0)
    return html`<p class="faint">
      ${state === 'open' || state === 'planned' ? 'The checks are carried out when it is closed.' : 'The checks of its close are not known.'}
    </p>`;
  const isRefused = found.some(({ ok }) => !ok);
  return html`${
    checked_at === null
      ? nothing
      : html`<p class="faint">
        Carried out ${formatInstant(checked_at, zone)}.${isRefused ? ' What is wrong has kept it from being closed.' : ''}
      </p>`
  }
  <ul class="checks">
    ${found.map(
      ({ name, ok, detail }) => html`<li class=${ok ? 'check-ok' : 'check-bad'}>
        <strong>${name}</strong> <span class="tag">${ok ? 'right' : 'wrong'}</span>
        <p>${prose(detail)}</p>
      </li>`,
    )}
  </ul>`;
}

/** Who asked for what takes two people, and who approved. */
export function approvals(
  { approvals: asked }: QuarterDetail,
  zone: string,
): TemplateResult | typeof nothing {
  if (asked.length === 0) return nothing;
  return html`<section class="card" aria-labelledby="approvals-title">
    <h2 id="approvals-title">What took two people</h2>
    <ul class="plain">
      ${asked.map(
        ({ verb, requested_by, requested_at, reason, approved_by, approved_at }) => html`<li>
          <strong>${verb}</strong>: asked for by ${own(requested_by)}, ${formatInstant(requested_at, zone)}${reason ? html`: “${own(reason)}”` : nothing};
          ${
            approved_by === null || approved_at === null
              ? html`<strong>waits for somebody else</strong>`
              : html`approved by ${own(approved_by)}, ${formatInstant(approved_at, zone)}`
          }
        </li>`,
      )}
    </ul>
  </section>`;
}

export interface CopiesOptions {
  readonly zone: string;
  /** Opens the release of one copy; undefined for who may not. */
  readonly release: ((schema: string) => void) | undefined;
}

/** Copies of it in schemas of their own. */
export function copies(
  { copies: made }: QuarterDetail,
  { zone, release }: CopiesOptions,
): TemplateResult | typeof nothing {
  if (made.length === 0) return nothing;
  return html`<section class="card" aria-labelledby="copies-title">
    <h2 id="copies-title">Copies beside the ledger</h2>
    <p class="faint">Each is in a schema of the database, to be read with SQL. Nothing that is done to it changes the quarter.</p>
    <ul class="plain">
      ${made.map(
        ({ schema, reason, restored_by, restored_at, expires_at }) => html`<li>
          <code>${schema}</code>: ${own(restored_by)}, ${formatInstant(restored_at, zone)}: “${own(reason)}”. It is dropped by itself at
          ${untilWords(expires_at, zone)}.
          ${
            release === undefined
              ? nothing
              : html`<button type="button" @click=${() => release(schema)}>Drop this copy …</button>`
          }
        </li>`,
      )}
    </ul>
  </section>`;
}
