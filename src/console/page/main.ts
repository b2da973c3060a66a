import { html, nothing, render } from 'lit-html';
import { QuartermasterError } from '../../../clients/typescript/src/index.ts';
import { createApi } from './api.ts';
import { createAttended } from './attended.ts';
import { now } from './clock.ts';
import { layout } from './layout.ts';
import { followLinks } from './links.ts';
import { type Place, places } from './places.ts';
import { match } from './router.ts';
import { createScroll } from './scroll.ts';
import type { About, Session } from './session.ts';
import type { View } from './view.ts';
import { failure } from './views/failure.ts';
import { createSignIn } from './views/sign-in.ts';
import { createWaiting } from './views/waiting.ts';

/** Seconds until a server that could not answer is asked again. */
const ASK_AGAIN = 2;

const ENDED = 'Your session has ended. Sign in again, and you are where you were.';
const KEPT = 'What you had typed is kept: open the same dialog again, and see how it stands.';

/** The page: who is signed in, where they are, and what is drawn there. The one place that holds state for all views. */
function start(root: HTMLElement): void {
  let session: Session | undefined;
  let about: About | undefined;
  let view: View | undefined;
  let place: Place | undefined;
  let leave = new AbortController();
  let drawing = false;
  /** What a view threw; it stands in its place. */
  let failed: { readonly error: unknown } | undefined;
  let announced = '';
  /** True while a key is asked for. */
  let atDoor = false;
  /** True until the view that somebody went to is there: then who hears the page is told, and the heading takes the focus. */
  let arriving = false;
  /** What takes the focus when it is drawn: the heading after one went somewhere, the field where one signs in. */
  let focus: 'h1' | 'input' | undefined;
  /** Why one is signed in still, after one wanted to sign out. */
  let stays: string | undefined;
  /** What was typed and not sent, by who typed it and where: it outlives the view, and not the page. */
  const drafts = new Map<string, string>();
  let requestId: string | undefined;
  let retryAfter: number | undefined;
  /** By how many milliseconds the clock of the server is ahead of the one here, which may be wrong by any. */
  let ahead = 0;
  let ends: ReturnType<typeof setTimeout> | undefined;
  let stage = document.createElement('div');
  const scroll = createScroll();
  const api = createApi({
    csrfToken: () => session?.csrf_token ?? null,
    attended: createAttended(document),
    onAnswer,
  });

  function onAnswer({ method, url }: Request, { status, headers }: Response): void {
    requestId = headers.get('x-request-id') ?? undefined;
    ahead = Date.parse(headers.get('date') ?? now().toUTCString()) - now().getTime();
    retryAfter = headers.has('retry-after') ? Number(headers.get('retry-after')) : undefined;
    if (status === 401 && session !== undefined) signedOut(ENDED);
    // Another tab may have signed in anew: then the token is another, and perhaps the person.
    const isOwn = method === 'GET' && url.endsWith('/v1/session');
    if (status === 403 && session !== undefined && !isOwn) void readSession().catch(() => {});
  }

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
    try {
      drawBody(failed === undefined ? (view?.render() ?? nothing) : failure(failed.error, requestId));
    } catch (error) {
      failed = { error };
      // What it had drawn half is no ground to draw on.
      const anew = document.createElement('div');
      stage.replaceWith(anew);
      stage = anew;
      drawBody(failure(error, requestId));
      reportError(error);
    }
    const heading = focus === undefined ? null : stage.querySelector<HTMLElement>(`main ${focus}`);
    if (heading !== null) {
      if (focus === 'h1') heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      focus = undefined;
    }
    scroll.settle();
  }

  function drawBody(body: Parameters<typeof layout>[0]['body']): void {
    const title = failed === undefined ? view?.title() : 'This view failed';
    document.title = title === undefined ? 'Quartermaster' : `${title} · Quartermaster`;
    render(layout({ session, about, place, body, announced, stays, signOut }), stage);
  }

  function go(address: string, { replace = false } = {}): void {
    if (replace) {
      // A filter that changes is no other place: focus and scroll stay where they are.
      history.replaceState(history.state, '', address);
    } else {
      scroll.leave();
      history.pushState(scroll.nextState(), '', address);
      arriving = true;
    }
    void enter();
  }

  /** Ends what is under way for the view that is left, and gives the signal of the next one. */
  function next(): AbortSignal {
    leave.abort();
    leave = new AbortController();
    failed = undefined;
    stays = undefined;
    return leave.signal;
  }

  /** Goes where the address says. */
  async function enter(): Promise<void> {
    const signal = next();
    if (session === undefined || about === undefined) return;
    const found = match(places, window.location.pathname);
    if (found === undefined) {
      go('/console', { replace: true });
      return;
    }
    const before = place;
    place = found.to;
    const { parameters } = found;
    // There may be a ledger that was not there when the page was loaded.
    const isAtLedgers = place.section === 'ledger' && before !== undefined;
    const asksAgain = isAtLedgers && (before.section !== 'ledger' || parameters.ledger === undefined);
    const query = new URLSearchParams(window.location.search);
    try {
      const [create] = await Promise.all([found.to.load(), asksAgain ? readAbout(signal) : undefined]);
      if (signal.aborted) return;
      const context = { api, session, about, parameters, query, signal, drafts, go };
      view = create({
        ...context,
        update: () => {
          if (!signal.aborted) update();
        },
      });
    } catch (error) {
      if (signal.aborted) return;
      failed = { error };
      reportError(error);
    }
    atDoor = false;
    if (arriving) {
      announced = failed === undefined ? (view?.title() ?? '') : 'This view failed';
      focus = 'h1';
      scroll.enter(history.state);
      arriving = false;
    }
    update();
  }

  async function readSession(): Promise<void> {
    const { data } = await api.GET('/v1/session');
    session = data as Session;
    clearTimeout(ends);
    if (session.expires_at !== null) {
      const ms = Date.parse(session.expires_at) - now().getTime() - ahead;
      ends = setTimeout(() => signedOut(ENDED), Math.max(0, ms));
    }
    update();
  }

  /** What is known of the ledger stays where it cannot be read again: nobody waits for it longer than a moment. */
  async function readAbout(signal: AbortSignal): Promise<void> {
    try {
      const soon = AbortSignal.any([signal, AbortSignal.timeout(ASK_AGAIN * 1000)]);
      const { data } = await api.GET('/v1/about', { signal: soon });
      about = data ?? about;
    } catch (error) {
      if (!(error instanceof QuartermasterError)) throw error;
    }
  }

  /** Learns who is signed in and what the ledger is, and shows what the address says. True when somebody is signed in. */
  async function begin(): Promise<boolean> {
    try {
      // What the view is made of comes meanwhile; that it cannot be had is said when it is wanted.
      match(places, window.location.pathname)
        ?.to.load()
        .catch(() => {});
      const [{ data }] = await Promise.all([api.GET('/v1/about'), readSession()]);
      about = data as About;
    } catch (error) {
      if (!(error instanceof QuartermasterError)) throw error;
      if (error.status === 401) {
        if (!atDoor) signedOut(undefined);
        return false;
      }
      waitFor(error);
      return true;
    }
    void enter();
    return true;
  }

  /** The server cannot answer yet: it is asked until it can. */
  function waitFor(error: QuartermasterError): void {
    const signal = next();
    session = undefined;
    place = undefined;
    atDoor = false;
    view = createWaiting(error);
    update();
    const timer = setTimeout(() => void begin(), ASK_AGAIN * 1000);
    signal.addEventListener('abort', () => clearTimeout(timer));
  }

  /** Asks for a key, at whatever address one is: that is where one goes on. */
  function signedOut(why: string | undefined): void {
    drafts.clear();
    const signal = next();
    // A dialog that was open has put what it held there.
    const note = drafts.size === 0 ? why : [why, KEPT].join(' ');
    clearTimeout(ends);
    session = undefined;
    place = undefined;
    atDoor = true;
    const onSignedIn = () => {
      arriving = true;
      return begin();
    };
    view = createSignIn({ api, note, signal, update, onSignedIn, retryAfter: () => retryAfter });
    focus = 'input';
    update();
  }

  async function endSession(): Promise<void> {
    stays = undefined;
    try {
      await api.DELETE('/v1/session');
      history.pushState(scroll.nextState(), '', '/console');
      signedOut('You are signed out.');
      drafts.clear();
    } catch (error) {
      // Over already: that is what was wanted.
      if (session === undefined) return;
      if (!(error instanceof QuartermasterError)) throw error;
      stays = error.status === 0 ? 'the server did not answer' : `the server refused it (${error.code})`;
      update();
    }
  }

  function signOut(): void {
    void endSession();
  }

  window.addEventListener('popstate', () => {
    scroll.leave();
    arriving = true;
    void enter();
  });
  // What a view asked for and nobody caught is shown rather than lost.
  window.addEventListener('unhandledrejection', (event) => {
    const { reason } = event;
    if (reason instanceof QuartermasterError && session === undefined) event.preventDefault();
    if (session === undefined || reason?.name === 'AbortError') return;
    if (reason instanceof QuartermasterError) event.preventDefault();
    // Asked for by a view that was left since: the next one has no part in it.
    if (reason instanceof QuartermasterError && reason.code === 'aborted') return;
    failed = { error: reason };
    update();
  });
  followLinks(go);
  root.append(stage);
  render(html``, stage);
  void begin();
}

const root = document.getElementById('app');
if (root !== null) {
  root.replaceChildren();
  start(root);
}
