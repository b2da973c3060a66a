import { html, type TemplateResult } from 'lit-html';

/** Puts a text where the person can paste it, and says beside the button that it did. */
export function copyButton(text: string | (() => string), what = 'Copy'): TemplateResult {
  async function copy(event: Event): Promise<void> {
    const said = (event.currentTarget as HTMLElement).nextElementSibling;
    // Emptied first, so that a second copy is heard too. It stays afterwards: what goes by itself moves what one is about to click.
    if (said !== null) said.textContent = '';
    const note = await written(typeof text === 'string' ? text : text());
    if (said !== null) said.textContent = note;
  }
  return html`<span class="copying"><button type="button" class="quiet small" @click=${copy}>${what}</button><span
    role="status" class="faint"></span></span>`;
}

/** Outside of HTTPS and of the machine itself a browser has no clipboard for pages. */
async function written(text: string): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return 'Copied.';
  } catch {
    return 'The browser did not allow it.';
  }
}
