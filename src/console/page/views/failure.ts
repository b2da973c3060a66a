import { html, nothing, type TemplateResult } from 'lit-html';
import { problem } from '../problem.ts';

/** In place of a view that threw. `requestId`: of the last answer, by which the log of the server is found. */
export function failure(error: unknown, requestId: string | undefined): TemplateResult {
  return html`
    <h1>This view failed</h1>
    ${problem(error)}
    ${requestId === undefined ? nothing : html`<p class="faint">The last request was <code>${requestId}</code>.</p>`}
    <p>
      <button type="button" class="primary" @click=${() => window.location.reload()}>Load the page again</button>
      <a href="/console">Go to the quarters</a>
    </p>`;
}
