import { html, nothing, type TemplateResult } from 'lit-html';
import { QuartermasterError } from '../../../clients/typescript/src/index.ts';
import { prose } from './prose.ts';

/** What the answer says besides what the client makes of it. */
interface Answer {
  readonly title?: string;
  readonly instance?: string;
  readonly errors?: readonly Fault[];
}

interface Fault {
  readonly detail: string;
  readonly pointer?: string;
  readonly parameter?: string;
  readonly header?: string;
}

/**
 * What went wrong, for whoever is at the page: what it is, what to do, which fields are at fault, and what to name to those who
 * run the house. It is heard as soon as it is drawn.
 */
export function problem(error: unknown): TemplateResult {
  if (!(error instanceof QuartermasterError)) {
    return html`<div class="problem" role="alert">
      <p><strong>The page failed.</strong> Load it again; if it happens again, tell those who run Quartermaster what you did.</p>
      <p class="faint"><code>${error instanceof Error ? error.message : String(error)}</code></p>
    </div>`;
  }
  const { title, instance, errors = [] } = (error.problem ?? {}) as Answer;
  const request = instance?.replace(/^urn:quartermaster:request:/, '');
  return html`<div class="problem" role="alert">
    ${title === undefined ? nothing : html`<p><strong>${title}</strong></p>`}
    <p>${prose(error.message)}</p>
    ${
      errors.length === 0
        ? nothing
        : html`<ul>${errors.map((fault) => html`<li><code>${whereOf(fault)}</code> ${prose(fault.detail)}</li>`)}</ul>`
    }
    <p class="faint"><code>${error.code}</code>${
      request === undefined ? nothing : html`, request <code>${request}</code>`
    }</p>
  </div>`;
}

/** The field that is at fault: `#/body/name` → `name`. */
function whereOf({ pointer, parameter, header }: Fault): string {
  return parameter ?? header ?? pointer?.replace(/^#?\/(body\/)?/, '') ?? '';
}
