import { html, nothing, svg, type TemplateResult } from 'lit-html';
import { QuartermasterError } from '../../../../clients/typescript/src/index.ts';
import type { Api } from '../api.ts';
import { problem } from '../problem.ts';
import type { View } from '../view.ts';

export interface SignInOptions {
  readonly api: Api;
  /** Why one is asked, where one was signed in before. */
  readonly note: string | undefined;
  /** Fires when the view is left. */
  readonly signal: AbortSignal;
  /** Seconds after which the last refusal said that one may try again. */
  retryAfter(): number | undefined;
  update(): void;
  /** False when the browser did not keep the session. */
  onSignedIn(): Promise<boolean>;
}

/** What may be said before a key is typed: here it could not be used, and would be read on its way. */
const insecure = () => html`
  <div class="problem" role="alert">
    <p><strong>Do not type a key here.</strong> This page came over plain HTTP from another machine, so whoever is on the way could
      read the key, and the browser keeps no session.</p>
    <p>Open the address that begins with <code>https://</code>, or bring the server to your machine, as with
      <code>kubectl port-forward svc/quartermaster 7070</code> or <code>ssh -L 7070:127.0.0.1:7070</code>, and open
      <code>http://127.0.0.1:7070/console</code>.</p>
  </div>`;

/** The key was good, and the next request came without the cookie. */
const NOT_KEPT = Symbol('the browser kept no session');

/** Two years of quarters, for the eye alone: those that are put away, those that are kept, the one that is lived in, those to come. */
const strip = () => html`
  <svg class="strip" viewBox="0 0 240 16" aria-hidden="true" focusable="false">
    ${['away', 'away', 'away', 'kept', 'kept', 'kept', 'here', 'ahead', 'ahead', 'ahead'].map(
      (state, i) => svg`<rect class=${state} x=${i * 24 + 1} y="2" width="20" height="12" rx="3"></rect>`,
    )}
  </svg>`;

/** Asks for a key. It is sent once, and what the browser keeps is a session that ends. */
export function createSignIn({ api, note, signal, retryAfter, update, onSignedIn }: SignInOptions): View {
  let refusal: unknown;
  let busy = false;
  /** Seconds that one has to wait. */
  let wait = 0;

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const typed = String(new FormData(form).get('key') ?? '');
    // It is printed as a variable of a shell, and copied with its name.
    const key = typed.trim().replace(/^KEY=/, '');
    busy = true;
    refusal = undefined;
    update();
    try {
      await api.POST('/v1/session', { body: { key } });
      form.reset();
      if (!(await onSignedIn())) refusal = NOT_KEPT;
    } catch (error) {
      refusal = error;
      if (error instanceof QuartermasterError && error.status === 429) countDown(retryAfter() ?? 30);
    }
    busy = false;
    update();
    // Where it is typed again; what was typed is marked, so that the next key takes its place.
    const input = form.querySelector('input');
    input?.focus();
    input?.select();
  }

  function countDown(seconds: number): void {
    wait = seconds;
    update();
    if (wait > 0 && !signal.aborted) setTimeout(() => countDown(wait - 1), 1000);
  }

  function refused(): TemplateResult | typeof nothing {
    if (refusal === undefined) return nothing;
    if (refusal === NOT_KEPT) {
      return html`<p class="problem" id="refusal" role="alert"><strong>The key is good, but the browser did not keep the session.</strong> Allow
        cookies for this address, then sign in again.</p>`;
    }
    const { code } = refusal as { code?: string };
    if (code === 'invalid_token') {
      return html`<p class="problem" id="refusal" role="alert"><strong>This key does not open anything.</strong> It is mistyped, unknown,
        expired or revoked. Copy it whole: a key is 59 characters long and begins with <code>qm_</code>.</p>`;
    }
    if (code === 'too_many_attempts') {
      return html`<p class="problem" id="refusal" role="alert"><strong>Too many keys were no good.</strong> For a while no key from your
        address is looked at, the right one neither.</p>`;
    }
    return html`<div id="refusal">${problem(refusal)}</div>`;
  }

  return {
    title: () => 'Sign in',
    render: () => {
      const closed = !window.isSecureContext;
      return html`
      <div class="door">
        <section>
          ${strip()}
          <h1>Sign in to Quartermaster</h1>
          ${note === undefined ? nothing : html`<p class="warning" role="status">${note}</p>`}
          ${closed ? insecure() : nothing}
          <form class="card" @submit=${submit}>
            <label for="key">Key</label>
            <input id="key" name="key" type="password" autocomplete="current-password" spellcheck="false" required
              aria-describedby="key-hint refusal" aria-invalid=${refusal === undefined ? 'false' : 'true'}
              ?disabled=${closed} ?readonly=${busy}>
            <p class="faint" id="key-hint">Or a JSON web token of your identity provider, where one is set up.</p>
            ${refused()}
            <button type="submit" class="primary" ?disabled=${closed || busy || wait > 0}>${
              busy ? 'Signing in …' : wait > 0 ? `Wait ${wait} s` : 'Sign in'
            }</button>
          </form>
        </section>
        <section class="about">
          <h2>What this is</h2>
          <p>A ledger that is kept in calendar quarters. Here you see every quarter and what comes next for it, find transactions and
            accounts, and, with the role for it, close, archive, verify and restore.</p>
          <h2>Where a key comes from</h2>
          <p>On your own machine <code>quartermaster demo</code> and <code>quartermaster dev</code> print one when they start. Elsewhere whoever
            runs Quartermaster makes you one:</p>
          <pre><code>quartermaster keys create --name ada --role finance</code></pre>
          <h2>What becomes of it</h2>
          <p>It is sent once and not kept. You stay signed in for eight hours at most, for an hour without use, and until you sign out.
            What you do here is written down under the name of your key.</p>
        </section>
      </div>`;
    },
  };
}
