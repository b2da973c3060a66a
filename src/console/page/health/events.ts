import { html, nothing, type TemplateResult } from 'lit-html';
import { formatInstant } from '../format.ts';
import { detailWords } from './event-detail.ts';
import type { HouseEvent } from './types.ts';

/** What people and schedules did, newest first. */
export function eventTable(
  events: readonly HouseEvent[],
  zone: string,
  byActor: (actor: string) => string,
): TemplateResult {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Events">
    <table>
      <thead>
        <tr>
          <th scope="col">When <span class="zone">(${zone})</span></th>
          <th scope="col">Who</th>
          <th scope="col">What</th>
          <th scope="col">Why and how</th>
        </tr>
      </thead>
      <tbody>
        ${events.map(
          ({ at, actor, event, quarter, reason, detail }) => html`<tr>
            <td class="when">${formatInstant(at, zone)}</td>
            <td><a href=${byActor(actor)}>${actor}</a></td>
            <td>${event.replaceAll('_', ' ')}${
              quarter === null ? nothing : html` <a href=${`/console/quarters/${quarter}`}>${quarter}</a>`
            }</td>
            <td>${reason === null ? nothing : html`${reason}<br>`}<span class="faint">${detailWords(detail)}</span></td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
