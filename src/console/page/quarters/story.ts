import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { formatInstant } from '../format.ts';
import { own } from '../own.ts';
import { tell } from './event-words.ts';
import type { QuarterEvent } from './types.ts';

/** How many are drawn before somebody asks for all. */
const FEW = 15;

export interface StoryOptions {
  readonly zone: string;
  readonly isWhole: boolean;
  showAll(): void;
}

/** Who did what, when and why: the newest first. */
export function story(
  events: readonly QuarterEvent[],
  { zone, isWhole, showAll }: StoryOptions,
): TemplateResult {
  const shown = events.toReversed().slice(0, isWhole ? undefined : FEW);
  return html`<section class="card" aria-labelledby="story-title">
    <h2 id="story-title">Its story</h2>
    ${
      events.length === 0
        ? html`<p class="faint">Nothing was done to it yet.</p>`
        : html`<p class="faint">The newest first. Nothing is ever taken out of it. Times are those of ${zone}.</p>
          <ol class="story">
            ${repeat(
              shown,
              ({ at, event }) => `${at} ${event}`,
              (one) => line(one, zone),
            )}
          </ol>`
    }
    ${
      shown.length === events.length
        ? nothing
        : html`<button type="button" @click=${showAll}>Show all ${events.length} events</button>`
    }
  </section>`;
}

function line({ at, event, actor, reason, detail }: QuarterEvent, zone: string): TemplateResult {
  const { title, says, tone } = tell(event, detail, zone);
  return html`<li class="told told-${tone}">
    <p class="told-head">
      <time datetime=${at}>${formatInstant(at, zone)}</time> <strong>${title}</strong> <span class="faint">by ${own(actor)}</span>
    </p>
    ${reason === null || reason === '' ? nothing : html`<p class="said">“${own(reason)}”</p>`}
    ${says.length === 0 ? nothing : html`<p class="faint">${says.join('; ')}</p>`}
  </li>`;
}
