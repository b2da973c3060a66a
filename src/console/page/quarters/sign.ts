import { html, nothing, svg, type TemplateResult } from 'lit-html';
import type { QuarterState } from './types.ts';
import { lifeStates, stateMeans } from './words.ts';

/** A form for each state, so that who sees no colours tells them apart. Drawn in a box of 20 by 20. */
const forms: Readonly<Record<QuarterState, TemplateResult>> = {
  // A ring of dots: nothing there yet.
  planned: svg`<circle cx="10" cy="10" r="7" class="line dots" />`,
  // A ring: open.
  open: svg`<circle cx="10" cy="10" r="7" class="line" />`,
  // A full circle: nothing more goes in.
  closed: svg`<circle cx="10" cy="10" r="8" class="full" />`,
  // A box with a lid.
  archived: svg`<rect x="2" y="3" width="16" height="5" class="full" /><path d="M3.5 9.5h13V17h-13z" class="full" />`,
  // The box, empty, and an arrow out of it.
  detached: svg`<path d="M11 4H3v13h13v-8" class="line" /><path d="M9 11l8-8M11.5 2.5H17.500V8.5" class="line" />`,
  // A cross.
  dropped: svg`<path d="M4.5 4.500l11 11M15.5 4.500l-11 11" class="line" />`,
  // A triangle that points back.
  restored: svg`<path d="M17 2.500v15L3 10z" class="full" />`,
};

/** The sign of a state. It says nothing by itself: the word stands beside it. */
export function sign(state: QuarterState): TemplateResult {
  return html`<svg class="sign sign-${state}" viewBox="0 0 20 20" aria-hidden="true">${forms[state]}</svg>`;
}

/** The sign and the word. */
export function stateTag(state: QuarterState): TemplateResult {
  return html`<span class="state state-${state}">${sign(state)}<span>${state}</span></span>`;
}

const marks = {
  // A padlock.
  held: svg`<path d="M6 9V6a4 4 0 0 1 8 0v3" class="line" /><rect x="4" y="9" width="12" height="9" rx="1" class="full" />`,
  // A warning.
  stale: svg`<path d="M10 2.500l8 15H2z" class="line" /><path d="M10 8v4.500M10 14.500v1" class="line" />`,
  // Two people.
  waiting: svg`<circle cx="6.5" cy="6" r="3" class="full" /><path d="M1.5 17c0-4 2-6 5-6s5 2 5 6z" class="full" /><circle cx="14" cy="7" r="2.5" class="line" /><path d="M13 11.500c3-.5 5.5 1.5 5.5 5.500h-4" class="line" />`,
  // A broken box.
  damaged: svg`<path d="M3 3h14v14H3z" class="line" /><path d="M10 3l-2.5 5 5 3-3 6" class="line" />`,
  ahead: svg`<path d="M3 10h12M10 5l5 5-5 5" class="line" />`,
} as const;

export type Mark = keyof typeof marks;

/** Something that is so besides the state: a sign and a word. */
export function mark(kind: Mark, word: string, title?: string): TemplateResult {
  return html`<span class="mark mark-${kind}" title=${title ?? nothing}
    ><svg class="sign" viewBox="0 0 20 20" aria-hidden="true">${marks[kind]}</svg>${word}</span
  >`;
}

/** What all the signs mean: folded, for what it explains comes first. */
export function legend(): TemplateResult {
  return html`<details class="legend">
    <summary>What the signs mean</summary>
    <dl>
      ${lifeStates.map((state) => html`<div><dt>${stateTag(state)}</dt><dd>${stateMeans[state]}</dd></div>`)}
      <div><dt>${mark('held', 'held')}</dt><dd>nothing takes it out or deletes it until the hold is ended</dd></div>
      <div><dt>${mark('stale', 'stale')}</dt><dd>an earlier quarter was reopened: it has to be closed again</dd></div>
      <div><dt>${mark('waiting', 'waits')}</dt><dd>somebody asked for it, somebody else has to approve it</dd></div>
      <div><dt>${mark('damaged', 'damaged')}</dt><dd>its archive was read and was not what it should be</dd></div>
    </dl>
  </details>`;
}
