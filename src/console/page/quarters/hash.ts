import { html, nothing, type TemplateResult } from 'lit-html';

/** Letters of a hash that are enough to tell two apart by eye. */
const SHORT = 12;

/**
 * A SHA-256 or another hash: its beginning, all of it on a click, and a button that copies all of it.
 *
 * @param of what the hash is of, for who hears the page
 */
export function hash(value: string, of: string): TemplateResult {
  if (value.length <= SHORT) return html`<code>${value}</code>`;
  return html`<span class="hash"
    ><details>
      <summary title=${value}><code>${value.slice(0, SHORT)}…</code><span class="hidden-text">: all of ${of}</span></summary>
      <code class="whole">${value}</code>
    </details>
    ${
      // Only a page that came over TLS or from this machine may use the clipboard.
      navigator.clipboard === undefined
        ? nothing
        : html`<button type="button" class="copy" aria-label=${`Copy ${of}`} @click=${(event: Event) => void copy(event, value)}>
            Copy
          </button>`
    }</span
  >`;
}

async function copy({ currentTarget }: Event, value: string): Promise<void> {
  const button = currentTarget as HTMLButtonElement;
  try {
    await navigator.clipboard.writeText(value);
    button.dataset.said = 'copied';
  } catch {
    button.dataset.said = 'refused';
  }
  setTimeout(() => delete button.dataset.said, 2000);
}
