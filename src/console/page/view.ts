import type { TemplateResult } from 'lit-html';
import type { Api } from './api.ts';
import type { About, Session } from './session.ts';

/** What a view is made with. */
export interface ViewContext {
  readonly api: Api;
  readonly session: Session;
  /** What the ledger is: its zone, its currencies. */
  readonly about: About;
  /** Parts of the path that the route names, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What stands behind the `?`. */
  readonly query: URLSearchParams;
  /** Fires when the person goes elsewhere: what is under way for this view is not wanted any more. */
  readonly signal: AbortSignal;
  /** What was typed and not sent, by who typed it and where: kept while one is elsewhere, or signs in again. */
  readonly drafts: Map<string, string>;
  /** Draws the view again; called after what it shows has changed. */
  update(): void;
  /** Goes to another address of the page. `replace`: in place of this one, as a filter that changes does. */
  go(address: string, options?: { replace?: boolean }): void;
}

/** One address of the page. It is made when somebody comes to it, keeps what it knows to itself, and draws when it is asked to. */
export interface View {
  /** For the window and for who hears the page: what one sees here. */
  title(): string;
  render(): TemplateResult;
}

export type CreateView = (context: ViewContext) => View;
