import { html, type TemplateResult } from 'lit-html';

/** What a status is called, and its sign: colour alone would tell some people nothing. */
const known: Readonly<
  Record<string, { readonly name: string; readonly sign: string; readonly look: string }>
> = {
  SUCCESS: { name: 'Booked', sign: '●', look: 'good' },
  FAILED: { name: 'Failed', sign: '✕', look: 'bad' },
  PENDING: { name: 'Pending', sign: '◔', look: 'warn' },
  SETTLED: { name: 'Settled', sign: '✓', look: 'good' },
  VOIDED: { name: 'Voided', sign: '⊘', look: 'mute' },
  EXPIRED: { name: 'Expired', sign: '○', look: 'mute' },
};

export function statusName(status: string): string {
  return known[status]?.name ?? status;
}

export function statusTag(status: string): TemplateResult {
  const { name, sign, look } = known[status] ?? { name: status, sign: '', look: 'mute' };
  return html`<span class="status ${look}"><span aria-hidden="true">${sign}</span> ${name}</span>`;
}

/** What it means, for who sees it for the first time. */
export const statusMeaning: Readonly<Record<string, string>> = {
  SUCCESS: 'Booked: it moved money, and its row never changes.',
  FAILED: 'Failed: it was refused elsewhere and recorded here; it moved no money.',
  PENDING: 'A reservation: the money is held until it is settled, voided or expires.',
  SETTLED: 'A reservation that was settled: the transaction that did so moved the money.',
  VOIDED: 'A reservation that was voided: the money was freed.',
  EXPIRED: 'A reservation that nobody settled in time: the money was freed.',
};
