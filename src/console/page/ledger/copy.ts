import { html, type TemplateResult } from 'lit-html';

/** Puts a text where the person can paste it, and says beside the button that it did. */
export function copyButton(text: string | (() => string), what = 'Copy'): TemplateResult {
  async function copy(event: Event): Promise<void> {
    const said = (event.currentTarget as HTMLElement).nextElementSibling;
    const note = await written(typeof text === 'string' ? text : text());
    if (said !== null) said.textContent = note;
  }
  // What is said goes when the person goes on, so that the next copy is heard again.
  const forget = (event: Event) => {
    const said = (event.currentTarget as HTMLElement).nextElementSibling;
    if (said !== null) said.textContent = '';
  };
  return html`<span class="copying"><button type="button" class="quiet small" @click=${copy} @blur=${forget}>${what}</button><span
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
