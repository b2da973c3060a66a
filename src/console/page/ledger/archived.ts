import { html, nothing, type TemplateResult } from 'lit-html';
import { daysOfQuarter, shiftDay } from './days.ts';
import { type Filters, searchAddress, without } from './filters.ts';

/** True where every day that is asked for lies in one of these quarters, which come oldest first. */
export function isAllIn(quarters: readonly string[], { from, to }: Filters): boolean {
  const [first] = quarters;
  if (first === undefined || from === undefined || to === undefined) return false;
  let covered = shiftDay(daysOfQuarter(first).from, -1);
  if (from <= covered) return false;
  for (const days of quarters.map((quarter) => daysOfQuarter(quarter))) {
    if (days.from !== shiftDay(covered, 1)) break;
    covered = days.to;
  }
  return to <= covered;
}

/** Which quarters of the range are not in the list, and where each can be read. */
export function archivedNote(
  ledger: string,
  filters: Filters,
  quarters: readonly string[],
): TemplateResult | typeof nothing {
  if (quarters.length === 0) return nothing;
  const many = quarters.length > 1;
  const isAll = isAllIn(quarters, filters);
  return html`<div class="card archived" role=${isAll ? 'status' : nothing}>
    ${isAll ? html`<h2>These days are archived</h2>` : nothing}
    <p>${many ? `${quarters.length} quarters` : 'One quarter'} of this range ${many ? 'are' : 'is'} archived and not in this
      list. The same search in ${many ? 'the archive of' : 'its archive'}:</p>
    <ul class="links">
      ${quarters.map(
        (quarter) =>
          html`<li><a href=${searchAddress(ledger, archiveFilters(filters, quarter))} aria-label=${`Search the archive of ${quarter}`}>${quarter}</a></li>`,
      )}
    </ul>
  </div>`;
}

/** The same search in an archive, which holds no reservations. */
function archiveFilters(filters: Filters, quarter: string): Filters {
  const rest = filters.status === 'PENDING' ? without(filters, 'status') : without(filters);
  return { ...rest, quarter };
}

/** Said above what is read from an archive. */
export function archiveHead(ledger: string, filters: Filters): TemplateResult {
  const { quarter = '' } = filters;
  const whole = { quarter };
  const { from, to } = daysOfQuarter(quarter);
  return html`<p class="card archived">
    Read from the archive of <a href=${`/console/quarters/${encodeURIComponent(quarter)}`}><strong>${quarter}</strong></a>,
    which takes a moment longer.
    <a href=${searchAddress(ledger, whole)}>All of ${quarter}</a> ·
    <a href=${searchAddress(ledger, without(filters, 'quarter'))}>Search what is online</a> ·
    <a href=${`/console/ledger/${encodeURIComponent(ledger)}/charts?from=${from}&to=${to}`}>Its charts</a>
  </p>`;
}
