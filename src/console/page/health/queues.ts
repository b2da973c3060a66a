import { html, nothing, type TemplateResult } from 'lit-html';
import { formatInstant } from '../format.ts';
import { told } from '../own.ts';
import { whatItDoes } from './queue-words.ts';
import { nextRun, nextWords, scheduleWords } from './schedule.ts';
import type { Failure, Queue } from './types.ts';

export interface QueueOptions {
  readonly zone: string;
  readonly now: Date;
  /** Has the job run now; undefined where the person may not. */
  readonly run: ((queue: Queue) => void) | undefined;
}

/** The work there is to do, queue by queue: those with a schedule first. */
export function queueTable(queues: readonly Queue[], { zone, now, run }: QueueOptions): TemplateResult {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Queues">
    <table class="queues" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Queue</th>
          <th scope="col" role="columnheader">Runs <span class="zone">(${zone})</span></th>
          <th scope="col" role="columnheader" class="number">Waiting</th>
          <th scope="col" role="columnheader" class="number">Running</th>
          <th scope="col" role="columnheader" class="number">Failed</th>
          <th scope="col" role="columnheader">Last success</th>
          <th scope="col" role="columnheader">Next</th>
          ${run === undefined ? nothing : html`<th scope="col" role="columnheader"><span class="hidden-text">Run now</span></th>`}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${queues.map((queue) => {
          const { name, schedule, waiting, running, failed, last_succeeded_at, failure, overdue } = queue;
          const next = schedule === null ? undefined : nextRun(schedule, now, zone);
          return html`<tr role="row">
            <th scope="row" role="rowheader"><span class="queue-name">${name}</span><span class="queue-does">${whatItDoes(name) ?? nothing}</span></th>
            <td role="cell" data-label="Runs">${schedule === null ? html`<span class="faint">when asked</span>` : scheduleWords(schedule)}</td>
            <td role="cell" class="number" data-label="Waiting">${waiting}</td>
            <td role="cell" class="number" data-label="Running">${running}</td>
            <td role="cell" class="number" data-label="Failed">${failed === 0 ? 0 : html`<span class="status bad"><span aria-hidden="true">✕</span> ${failed}</span>`}</td>
            <td role="cell" class="when" data-label="Last success">${last_succeeded_at === null ? html`<span class="faint">none yet</span>` : formatInstant(last_succeeded_at, zone)}
              ${failure === null ? nothing : html`<br><span class="status bad"><span aria-hidden="true">✕</span> failed since: ${failure}</span>`}</td>
            <td role="cell" class="when" data-label="Next">${
              overdue
                ? html`<span class="status warn"><span aria-hidden="true">▲</span> overdue</span>`
                : next === undefined
                  ? nothing
                  : nextWords(next, now, zone)
            }</td>
            ${
              run === undefined
                ? nothing
                : html`<td role="cell" class="act">${schedule === null ? nothing : html`<button type="button" class="small nowrap" aria-label=${`Run now: ${name}`} @click=${() => run(queue)}>Run now</button>`}</td>`
            }
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

export interface FailureOptions {
  readonly zone: string;
  /** Has it tried again; undefined where the person may not. */
  retry(failure: Failure): (() => void) | undefined;
}

/** What failed, the newest first, in the words of the error. */
export function failureList(failures: readonly Failure[], { zone, retry }: FailureOptions): TemplateResult {
  if (failures.length === 0) return html`<p>Nothing has failed.</p>`;
  return html`<ul class="failures">
    ${failures.map((failure) => {
      const { name, quarter, failed_at, code, detail } = failure;
      const again = retry(failure);
      return html`<li class="card">
        <h3><span class="status bad"><span aria-hidden="true">✕</span></span> ${name}${
          quarter === null ? nothing : html` of <a href=${`/console/quarters/${quarter}`}>${quarter}</a>`
        }</h3>
        <p>${told(detail)}</p>
        <p class="row failure-end"><span class="faint">${formatInstant(failed_at, zone)} · <code>${code}</code></span>
          ${name === 'drop' && quarter !== null ? html`<a class="button" href=${`/console/quarters/${quarter}`}>Go to ${quarter} to drop it again</a>` : nothing}
          ${again === undefined ? nothing : html`<button type="button" aria-label=${`Try again: ${name}${quarter === null ? '' : ` of ${quarter}`}`} @click=${again}>Try again</button>`}
        </p>
      </li>`;
    })}
  </ul>`;
}
