import { html, nothing, type TemplateResult } from 'lit-html';
import type { Place } from './places.ts';
import type { About, Session } from './session.ts';

export interface LayoutOptions {
  readonly session: Session | undefined;
  readonly about: About | undefined;
  readonly place: Place | undefined;
  readonly body: TemplateResult | typeof nothing;
  signOut(): Promise<void>;
}

const sections = [
  { section: 'quarters', name: 'Quarters', href: '/console' },
  { section: 'ledger', name: 'Ledger', href: '/console/ledger' },
  { section: 'health', name: 'Health', href: '/console/health' },
] as const;

/** What is around every view: where one can go, who one is, and whose time is shown. */
export function layout({ session, about, place, body, signOut }: LayoutOptions): TemplateResult {
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
          <p class="who">
            <span>${session.name} <span class="role">${session.roles.join(', ')}</span></span>
            <button type="button" class="quiet" @click=${signOut}>Sign out</button>
          </p>`
      }
    </header>
    <main id="main" tabindex="-1">${body}</main>
    <footer class="foot">
      ${about === undefined ? nothing : html`Times are those of <strong>${about.zone}</strong>. Version ${about.version}.`}
    </footer>`;
}
