import { html, nothing, type TemplateResult } from 'lit-html';
import { createRef, ref } from 'lit-html/directives/ref.js';
import { QuartermasterError } from '../../../../clients/typescript/src/index.ts';
import { problem } from '../problem.ts';
import type { ViewContext } from '../view.ts';
import { type Asked, bodyOf, type Field, type FormValues, faultsOf, formFields } from './action-form.ts';
import { doneNotice, secondNotice } from './action-notices.ts';
import { buttons, type LookState, lookPart } from './action-parts.ts';
import { type Answer, ask, look } from './ask.ts';
import { createJobWatch, type JobWatch } from './job-watch.ts';
import type { VerbAnswer } from './types.ts';
import { verbWords } from './verbs.ts';

export interface ActionDialog {
  /** Opens it with what the verb would do; `into`: of the copy that is meant. */
  open(asked: Asked, into?: string): void;
  render(): TemplateResult;
}

/**
 * Where a person asks for something to be done to a quarter. It opens with the dry run, so that what it does and what stands in the
 * way is read before the button that does it; what becomes of it is shown in the same place.
 *
 * @param onChanged called when something has changed, for the page behind
 */
export function createActionDialog(context: ViewContext, onChanged: () => void): ActionDialog {
  const { api, update, about, session, drafts } = context;
  const box = createRef<HTMLDialogElement>();
  let asked: Asked | undefined;
  let values: FormValues = emptyValues();
  let faults: Partial<Record<Field, string>> = {};
  let isTried = false;
  /** The reason is one that was written before. */
  let isKept = false;
  let found: VerbAnswer | undefined;
  let answer: Answer | undefined;
  let failure: unknown;
  let isLooking = false;
  let isSending = false;
  let watch: JobWatch | undefined;
  let looking = new AbortController();
  // Who follows a link out of it, or whose session ends, leaves it behind; but not the words that were written.
  context.signal.addEventListener('abort', () => {
    looking.abort();
    if (asked !== undefined && outcome(asked) === undefined && values.reason.trim() !== '')
      drafts.set(draftOf(asked), values.reason);
    box.value?.close();
  });

  /** Asks what would be done with what the fields hold; the last question alone counts. */
  async function lookNow(): Promise<void> {
    if (asked === undefined || answer !== undefined) return;
    looking.abort();
    looking = new AbortController();
    const { signal } = looking;
    const now = asked;
    if (!mayLook(now)) {
      found = undefined;
      return update();
    }
    isLooking = true;
    update();
    try {
      const { confirm, ...body } = bodyOf(now, values);
      const outcome = await look(api, now.quarter, now.verb, body, signal);
      if (signal.aborted) return;
      found = outcome;
      failure = undefined;
    } catch (error) {
      if (signal.aborted) return;
      failure = error;
    }
    isLooking = false;
    update();
  }

  /** Where a field decides what is done, nothing can be said before it is filled. */
  function mayLook(now: Asked): boolean {
    const { into, until } = bodyOf(now, values);
    return (!now.needsInto || into !== undefined) && (!now.needsUntil || until !== undefined);
  }

  async function send(event: Event): Promise<void> {
    event.preventDefault();
    const now = asked;
    if (now === undefined || isSending || answer !== undefined) return;
    isTried = true;
    faults = faultsOf(now, values);
    const [first] = Object.keys(faults);
    if (first !== undefined) {
      update();
      await Promise.resolve();
      showField(first);
      return;
    }
    looking.abort();
    isLooking = false;
    isSending = true;
    failure = undefined;
    update();
    let outcome: { readonly answer?: Answer; readonly failure?: unknown };
    try {
      outcome = { answer: await ask(api, now.quarter, now.verb, bodyOf(now, values), context.signal) };
    } catch (error) {
      if (context.signal.aborted) return;
      outcome = { failure: error };
    }
    onChanged();
    // Who has left the dialog sees on the page what became of it.
    if (asked !== now) return;
    isSending = false;
    ({ answer, failure } = outcome);
    const id = answer && jobIn(answer);
    if (id !== undefined) watch = createJobWatch(context, id, onChanged);
    update();
    // The button that was pressed is gone when it is done.
    queueMicrotask(() => {
      if (document.activeElement === document.body || document.activeElement === box.value) showTitle();
    });
  }

  function draftOf({ quarter, verb }: Asked): string {
    return `${session.name} ${quarter} ${verb}`;
  }

  function showTitle(): void {
    box.value?.querySelector<HTMLElement>('h2')?.focus();
  }

  function showField(name: string): void {
    const field = box.value?.querySelector<HTMLElement>(`[name="${name}"]`);
    const fold = field?.closest('details');
    if (fold) fold.open = true;
    field?.focus();
  }

  function closed(): void {
    looking.abort();
    watch?.end();
    asked = undefined;
    watch = undefined;
    update();
    // Where the button that opened it is gone, the page goes on from its top.
    queueMicrotask(() => {
      if (document.activeElement === document.body) document.querySelector<HTMLElement>('main h1')?.focus();
    });
  }

  /** What came of it, or undefined while it can still be asked for. */
  function outcome(now: Asked): TemplateResult | undefined {
    if (failure instanceof QuartermasterError && failure.code === 'approval_required')
      return secondNotice(now);
    if (answer === undefined) return undefined;
    return html`${doneNotice(now, answer)} ${watch?.render() ?? nothing}`;
  }

  function render(): TemplateResult {
    return html`<dialog class="action" aria-labelledby="action-title" ${ref(box)} @close=${closed}>
      ${asked === undefined ? nothing : inside(asked)}
    </dialog>`;
  }

  function state(): LookState {
    return {
      found,
      isLooking,
      isSending,
      hasFailed: failure !== undefined,
      mayLook: asked !== undefined && mayLook(asked),
      zone: about.zone,
    };
  }

  function inside(now: Asked): TemplateResult {
    const { quarter, verb, label } = now;
    const said = outcome(now);
    const close = () => box.value?.close();
    return html`<form novalidate @submit=${send}>
      <h2 id="action-title" tabindex="-1" autofocus>${label}: ${quarter}</h2>
      ${
        said !== undefined
          ? html`<div role="status">${said}</div>
            <p class="row buttons"><button type="button" class="primary" @click=${close}>Back to the quarter</button></p>`
          : html`<p>${verbWords[verb].does}</p>
            ${isKept ? html`<p class="notice">What you had written before is kept below. Nothing is asked for until you press the button.</p>` : nothing}
            <div class="look" aria-busy=${isLooking}>${lookPart(now, state())}</div>
            ${formFields({
              asked: now,
              values,
              faults: isTried ? faults : {},
              isBusy: isSending,
              onInput(field, value) {
                values = { ...values, [field]: value };
                if (isTried) faults = faultsOf(now, values);
                update();
              },
              onChange: () => void lookNow(),
            })}
            ${failure === undefined ? nothing : problem(failure)} ${buttons(now, state(), { look: () => void lookNow(), close })}`
      }
    </form>`;
  }

  return {
    render,
    open(next, into = '') {
      asked = next;
      const reason = drafts.get(draftOf(next)) ?? '';
      drafts.delete(draftOf(next));
      isKept = reason !== '';
      values = { ...emptyValues(), into, reason };
      faults = {};
      [isTried, isSending] = [false, false];
      [found, answer, failure, watch] = [undefined, undefined, undefined, undefined];
      void lookNow();
      update();
      // Once what is inside is drawn, so that it opens at its title.
      queueMicrotask(() => queueMicrotask(() => box.value?.showModal()));
    },
  };
}

function emptyValues(): FormValues {
  return { reason: '', until: '', into: '', confirm: '' };
}

/** The job that does it, or the first of those that an approval let go on. */
function jobIn(answer: Answer): string | undefined {
  if ('job' in answer) return answer.job.id;
  const jobs = answer.report?.jobs;
  return Array.isArray(jobs) ? (jobs as string[])[0] : undefined;
}
