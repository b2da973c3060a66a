import { html, nothing, type TemplateResult } from 'lit-html';
import { formatInstant } from '../format.ts';
import { own } from '../own.ts';
import { detailWords } from './event-detail.ts';
import type { HouseEvent } from './types.ts';

/** What people and schedules did, newest first. */
export function eventTable(
  events: readonly HouseEvent[],
  zone: string,
  byActor: (actor: string) => string,
): TemplateResult {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Events">
    <table class="stack events" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">When <span class="zone">(${zone})</span></th>
          <th scope="col" role="columnheader">Who</th>
          <th scope="col" role="columnheader">What</th>
          <th scope="col" role="columnheader">Why and how</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${events.map(
          ({ at, actor, event, quarter, reason, detail }) => html`<tr role="row">
            <td role="cell" class="when">${formatInstant(at, zone)}</td>
            <td role="cell" class="standing"><a href=${byActor(actor)}>${own(actor)}</a></td>
            <td role="cell" class="what">${event.replace(/[_-]/g, ' ')}${
              quarter === null ? nothing : html` <a href=${`/console/quarters/${quarter}`}>${quarter}</a>`
            }</td>
            <td role="cell" class="how">${reason === null ? nothing : html`${own(reason)}<br>`}<span class="faint">${detailWords(detail, zone)}</span></td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
