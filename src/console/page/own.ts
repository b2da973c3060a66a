import { html, type TemplateResult } from 'lit-html';

/**
 * A text that somebody wrote: a name, a reason, a reference, an address. Whatever direction it is written in, and whatever signs of
 * direction it holds, the words around it stay in their order.
 */
export function own(text: string | null | undefined): TemplateResult {
  return html`<bdi>${contained(text ?? '')}</bdi>`;
}

/** The same for a text that becomes part of a sentence before it becomes part of the page. */
export function ownText(text: string): string {
  // Letters of the Latin script turn nothing, and are left as they are.
  return TURNS.test(text) ? `\u2068${contained(text)}\u2069` : text;
}

const TURNS = /[\u0590-\u{10ffff}]/u;

/** Without signs that begin or end an isolation: they would end the one around it, and the next sign would turn the page's words. */
function contained(text: string): string {
  return text.replace(/[\u2066-\u2069]/g, '');
}

/** A sentence of the server, in which a name may stand anywhere: without the signs that turn the words after it. */
export function told(sentence: string): string {
  return sentence.replace(/[\u202a-\u202e\u2066-\u2069]/g, '');
}
