import { html, nothing, type TemplateResult } from 'lit-html';
import type { Asked } from './action-form.ts';
import { judge, outlook, shortVerbs } from './outlook.ts';
import type { VerbAnswer } from './types.ts';
import { verbWords } from './verbs.ts';

/** How far the dry run is. */
export interface LookState {
  readonly found: VerbAnswer | undefined;
  readonly isLooking: boolean;
  readonly isSending: boolean;
  readonly hasFailed: boolean;
  /** False while a field is empty that decides what is done. */
  readonly mayLook: boolean;
  readonly zone: string;
}

/** What would be done and what is in the way, as far as it is known. */
export function lookPart(
  { verb, needsInto, afterwards }: Asked,
  { found, isLooking, hasFailed, zone }: LookState,
): TemplateResult | typeof nothing {
  if (found === undefined) {
    if (hasFailed) return nothing;
    const missing = needsInto ? 'the schema is named' : 'the day is given';
    return html`<p class="faint">${isLooking ? 'Looking at what it would do …' : `What it would do is shown when ${missing}.`}</p>`;
  }
  const { needsSecond } = judge(found, !shortVerbs.includes(verb));
  return html`${outlook(found, verb, zone)}
  ${afterwards === undefined || found.done ? nothing : html`<p class="notice afterwards">${afterwards}</p>`}
  ${
    needsSecond
      ? html`<p class="notice">
          <strong>This takes two people.</strong> You ask for it now; somebody else with the role finance approves it on this page.
          Then it goes on by itself.
        </p>`
      : nothing
  }`;
}

/** The button that does it, and the ways out. */
export function buttons(
  { verb, label, quarter }: Asked,
  { found, isSending, hasFailed, mayLook }: LookState,
  { look, close }: { look(): void; close(): void },
): TemplateResult {
  const judged = found && judge(found, !shortVerbs.includes(verb));
  const isBlocked = judged !== undefined && judged.blocking.length > 0;
  const isDone = found?.done === true;
  const mayLookAgain = isBlocked || hasFailed || (judged?.passing.length ?? 0) > 0;
  const words = judged?.needsSecond ? `Ask for the ${verb}` : `${label} ${quarter}`;
  return html`<p class="row buttons">
    <button
      type="submit"
      class=${verbWords[verb].isGrave ? 'danger' : 'primary'}
      ?disabled=${isBlocked || isDone || isSending || (found === undefined && mayLook)}
    >
      ${isSending ? 'One moment …' : words}
    </button>
    ${mayLookAgain ? html`<button type="button" @click=${look}>Look again</button>` : nothing}
    <button type="button" @click=${close}>${isBlocked || isDone ? 'Leave it' : 'Cancel'}</button>
  </p>`;
}
