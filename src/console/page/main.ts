import { html, nothing, render } from 'lit-html';
import { QuartermasterError } from '../../../clients/typescript/src/index.ts';
import { createApi } from './api.ts';
import { layout } from './layout.ts';
import { type Place, places } from './places.ts';
import { match } from './router.ts';
import type { About, Session } from './session.ts';
import type { View } from './view.ts';
import { createSignIn } from './views/sign-in.ts';

/** The page: who is signed in, where they are, and what is drawn there. The one place that holds state for all views. */
function start(root: HTMLElement): void {
  let session: Session | undefined;
  let about: About | undefined;
  let view: View | undefined;
  let place: Place | undefined;
  let leave = new AbortController();
  let drawing = false;
  const api = createApi(() => session?.csrf_token ?? null);

  /** Once for all that changed in one go. */
  function update(): void {
    if (drawing) return;
    drawing = true;
    queueMicrotask(() => {
      drawing = false;
      draw();
    });
  }

  function draw(): void {
    const title = view?.title();
    document.title = title === undefined ? 'Quartermaster' : `${title} · Quartermaster`;
    render(layout({ session, about, place, body: view?.render() ?? nothing, signOut }), root);
  }

  function go(address: string, { replace = false } = {}): void {
    if (replace) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
    enter();
  }

  /** Goes where the address says. */
  function enter(): void {
    leave.abort();
    leave = new AbortController();
    const { signal } = leave;
    if (session === undefined || about === undefined) {
      place = undefined;
      view = createSignIn({ api, update, onSignedIn: begin });
      update();
      return;
    }
    const found = match(places, window.location.pathname);
    if (found === undefined) {
      go('/console', { replace: true });
      return;
    }
    place = found.to;
    const query = new URLSearchParams(window.location.search);
    view = place.create({ api, session, about, parameters: found.parameters, query, signal, update, go });
    update();
  }

  /** Learns who is signed in and what the ledger is. */
  async function begin(): Promise<void> {
    try {
      const { data } = await api.GET('/v1/session' as never);
      session = data as unknown as Session;
      about = (await api.GET('/v1/about' as never)).data as unknown as About;
    } catch (error) {
      session = undefined;
      if (!(error instanceof QuartermasterError)) throw error;
    }
    enter();
  }

  async function signOut(): Promise<void> {
    await api.DELETE('/v1/session' as never);
    session = undefined;
    enter();
  }

  window.addEventListener('popstate', enter);
  document.addEventListener('click', (event) => {
    const link = (event.target as Element).closest('a');
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (
      link === null ||
      !plain ||
      event.defaultPrevented ||
      link.target !== '' ||
      link.hasAttribute('download')
    )
      return;
    if (link.origin !== window.location.origin || !/^\/console(\/|$)/.test(link.pathname)) return;
    event.preventDefault();
    go(link.href);
  });
  render(html``, root);
  void begin();
}

const root = document.getElementById('app');
if (root !== null) {
  root.replaceChildren();
  start(root);
}
