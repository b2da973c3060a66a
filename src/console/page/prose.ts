import { html, type TemplateResult } from 'lit-html';
import { told } from './own.ts';

/** Words of the server, in which a command or a setting stands between backticks: that much is shown as code. */
export function prose(text: string): TemplateResult {
  const parts = told(text).split(/`([^`]+)`/);
  return html`${parts.map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}
