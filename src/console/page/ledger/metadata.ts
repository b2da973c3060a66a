import { html, type TemplateResult } from 'lit-html';
import { own } from '../own.ts';

/** What the client wrote with a transaction, member by member; what is nested as JSON that one can read. */
export function metadataFacts(metadata: Readonly<Record<string, unknown>>): TemplateResult {
  const members = Object.entries(metadata);
  if (members.length === 0) return html`<p class="faint">Empty.</p>`;
  return html`<dl class="facts">
    ${members.map(([name, value]) => html`<dt><code>${own(name)}</code></dt><dd>${shown(value)}</dd>`)}
  </dl>`;
}

function shown(value: unknown): TemplateResult {
  if (typeof value === 'string') return own(value);
  if (typeof value === 'object' && value !== null) {
    return html`<pre class="json" tabindex="0">${JSON.stringify(value, null, 2)}</pre>`;
  }
  return html`<code>${JSON.stringify(value)}</code>`;
}
