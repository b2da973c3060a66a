import { html, nothing, type TemplateResult } from 'lit-html';
import type { Asked } from './action-form.ts';
import type { Answer } from './ask.ts';
import type { Verb } from './verbs.ts';

/** What is so then, of what is done where it is asked for. */
const doneWords: Partial<Record<Verb, (quarter: string) => string>> = {
  create: (quarter) => `${quarter} is there and takes transactions.`,
  reopen: (quarter) => `${quarter} is open again.`,
  approve: (quarter) => `Approved. It goes on by itself now, and nobody else has to be asked for ${quarter}.`,
  hold: (quarter) => `${quarter} is held: nothing takes it out until the hold is ended.`,
  unhold: (quarter) => `The hold of ${quarter} is ended.`,
};

/** It is done, or a worker does it now. */
export function doneNotice({ quarter, verb, label, afterwards }: Asked, answer: Answer): TemplateResult {
  const then = afterwards === undefined ? nothing : html`<p class="notice afterwards">${afterwards}</p>`;
  if ('job' in answer)
    return html`<p class="notice">
        A worker does it. You can stay and watch, or go: it goes on without you, and the page of the quarter shows it.
      </p>
      ${then}`;
  const report = answer.report;
  const stale = Array.isArray(report?.stale) ? (report.stale as string[]) : [];
  return html`<p class="success">
      ${report === undefined ? `${label}: that was done before, and nothing was changed.` : (doneWords[verb]?.(quarter) ?? `${label}: done.`)}
    </p>
    ${then}
    ${
      stale.length === 0
        ? nothing
        : html`<p class="warning">These have to be closed again after it, the oldest first: ${stale.join(', ')}.</p>`
    }`;
}

/** Nothing went wrong: it takes two people, and the first has asked. */
export function secondNotice({ quarter, verb, afterwards }: Asked): TemplateResult {
  return html`<div class="success">
      <p><strong>Asked for. Now somebody else has to approve it.</strong></p>
      <p>
        Whoever has the role finance finds it on the first page, under what needs somebody today, and on the page of ${quarter}. When it
        is approved, the ${verb} begins by itself.
      </p>
      ${afterwards === undefined ? nothing : html`<p>${afterwards}</p>`}
    </div>`;
}
