import { html, nothing, type TemplateResult } from 'lit-html';
import { ref } from 'lit-html/directives/ref.js';
import { problem } from '../problem.ts';

/** Something that a person is about to have done. */
export interface Deed {
  readonly title: string;
  /** What will happen, before it does. */
  readonly what: TemplateResult;
  readonly button: string;
  /** What is said when it is done. */
  act(): Promise<string>;
}

export interface Confirm {
  ask(deed: Deed): void;
  /** The dialog, and below it what the last deed came to. */
  render(): TemplateResult;
}

/** Asks before anything is done, says what was done, and what refused it. */
export function createConfirm({ update }: { update(): void }): Confirm {
  let deed: Deed | undefined;
  let dialog: HTMLDialogElement | undefined;
  let busy = false;
  let refusal: unknown;
  let done: string | undefined;

  /** The dialog has closed, and given the focus back to where it was: only then is it taken away. */
  function closed(): void {
    deed = undefined;
    refusal = undefined;
    update();
  }

  async function act(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (deed === undefined || busy) return;
    busy = true;
    refusal = undefined;
    update();
    try {
      done = await deed.act();
      dialog?.close();
    } catch (error) {
      refusal = error;
    }
    busy = false;
    update();
  }

  // A modal dialog keeps the keyboard inside.
  const show = (element: Element | undefined) => {
    dialog = element as HTMLDialogElement | undefined;
    // It is handed over before it stands in the page, and only there it can be opened.
    queueMicrotask(() => {
      if (dialog?.isConnected && !dialog.open) dialog.showModal();
    });
  };

  return {
    ask(next) {
      deed = next;
      done = undefined;
      update();
    },
    render: () => html`
      <p role="status" class=${done === undefined ? 'hidden-text' : 'success'}>${done ?? ''}</p>
      ${
        deed === undefined
          ? nothing
          : html`<dialog aria-labelledby="confirm-title" ${ref(show)} @close=${closed}>
              <form method="dialog" @submit=${act}>
                <h2 id="confirm-title">${deed.title}</h2>
                ${deed.what}
                ${refusal === undefined ? nothing : problem(refusal)}
                <p class="row">
                  <button type="submit" class="primary" ?disabled=${busy}>${deed.button}</button>
                  <button type="button" @click=${() => dialog?.close()}>Leave it</button>
                </p>
              </form>
            </dialog>`
      }`,
  };
}
