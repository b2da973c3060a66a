import { html, type TemplateResult } from 'lit-html';

const signs: Readonly<
  Record<string, { readonly sign: string; readonly look: string; readonly name: string }>
> = {
  ok: { sign: '●', look: 'good', name: 'Well' },
  warning: { sign: '▲', look: 'warn', name: 'Warning' },
  critical: { sign: '■', look: 'bad', name: 'Critical' },
  unknown: { sign: '?', look: 'mute', name: 'Not known' },
  inactive: { sign: '○', look: 'mute', name: 'Quiet' },
  pending: { sign: '◔', look: 'warn', name: 'Pending' },
  firing: { sign: '■', look: 'bad', name: 'Firing' },
};

/** A state by its shape, its colour and its name. */
export function stateSign(state: string): TemplateResult {
  const { sign, look, name } = signs[state] ?? { sign: '?', look: 'mute', name: state };
  return html`<span class="status ${look}"><span class="sign" aria-hidden="true">${sign}</span> ${name}</span>`;
}
