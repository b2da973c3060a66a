import { html, nothing, type TemplateResult } from 'lit-html';
import { own } from './own.ts';
import type { Place } from './places.ts';
import { type About, rightsInWords, type Session } from './session.ts';

export interface LayoutOptions {
  readonly session: Session | undefined;
  readonly about: About | undefined;
  readonly place: Place | undefined;
  readonly body: TemplateResult | typeof nothing;
  /** Said to who hears the page: where they are now. */
  readonly announced: string;
  /** Why one is signed in still, after one wanted to sign out. */
  readonly stays: string | undefined;
  signOut(): void;
}

const sections = [
  { section: 'quarters', name: 'Quarters', href: '/console' },
  { section: 'ledger', name: 'Ledger', href: '/console/ledger' },
  { section: 'health', name: 'Health', href: '/console/health' },
] as const;

/** What is around every view: where one can go, who one is, and whose time is shown. */
export function layout(options: LayoutOptions): TemplateResult {
  const { session, about, place, body, announced, stays, signOut } = options;
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="bar">
      <a class="brand" href="/console">Quartermaster</a>
      ${
        session === undefined
          ? nothing
          : html`<nav aria-label="Main">
            ${sections.map(
              ({ section, name, href }) =>
                html`<a href=${href} aria-current=${place?.section === section ? 'page' : nothing}>${name}</a>`,
            )}
          </nav>
          <div class="who">
            <p><strong>${own(session.name)}</strong> <span class="rights">${rightsInWords(session)}</span></p>
            <button type="button" class="quiet" @click=${signOut}>Sign out</button>
          </div>`
      }
    </header>
    <p class="hidden-text" aria-live="polite">${announced}</p>
    <main id="main" tabindex="-1">
      ${stays === undefined ? nothing : html`<p class="problem" role="alert"><strong>You are still signed in:</strong> ${stays}. Try again.</p>`}
      ${body}
    </main>
    ${
      about === undefined
        ? nothing
        : html`<footer class="foot">Times are those of <strong>${about.zone}</strong>. Version ${about.version}.</footer>`
    }`;
}
