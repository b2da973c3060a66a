import { html } from 'lit-html';
import type { QuartermasterError } from '../../../../clients/typescript/src/index.ts';
import type { View } from '../view.ts';

/** Nothing can be shown yet: the service starts, or does not answer. The page goes on by itself. */
export function createWaiting({ code, message, status }: QuartermasterError): View {
  const [title, why] =
    code === 'starting'
      ? ['Quartermaster is starting', 'It waits for its database.']
      : status === 0
        ? ['The server does not answer', 'It may be restarting, or the way to it is broken.']
        : ['Quartermaster cannot answer now', message];
  return {
    title: () => title,
    render: () => html`
      <div class="alone">
        <h1>${title}</h1>
        <p role="status">${why} This page goes on by itself as soon as it can.</p>
        <progress aria-label="Waiting"></progress>
      </div>`,
  };
}
