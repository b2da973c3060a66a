import { html, nothing } from 'lit-html';
import { QuartermasterError } from '../../../../clients/typescript/src/index.ts';
import type { Api } from '../api.ts';
import type { View } from '../view.ts';

export interface SignInOptions {
  readonly api: Api;
  update(): void;
  onSignedIn(): Promise<void>;
}

/** Asks for a key. It is sent once, and what the browser keeps is a session that ends. */
export function createSignIn({ api, update, onSignedIn }: SignInOptions): View {
  let problem: string | undefined;
  let busy = false;

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const key = String(new FormData(event.target as HTMLFormElement).get('key') ?? '').trim();
    busy = true;
    problem = undefined;
    update();
    try {
      await api.POST('/v1/session' as never, { body: { key } } as never);
      await onSignedIn();
    } catch (error) {
      if (!(error instanceof QuartermasterError)) throw error;
      problem = error.message;
    } finally {
      busy = false;
      update();
    }
  }

  return {
    title: () => 'Sign in',
    render: () => html`
      <h1>Sign in</h1>
      <form class="card" @submit=${submit}>
        <label for="key">Key</label>
        <input id="key" name="key" type="password" autocomplete="current-password" required ?disabled=${busy}>
        ${problem === undefined ? nothing : html`<p role="alert" class="problem">${problem}</p>`}
        <button type="submit" class="primary" ?disabled=${busy}>Sign in</button>
      </form>`,
  };
}
