import { html, nothing, type TemplateResult } from 'lit-html';
import { formatInstant } from '../format.ts';
import { own } from '../own.ts';
import { mayMoveQuarters, type Session } from '../session.ts';
import { isSamePerson, nameOf } from './person.ts';
import { byWeight, possibilities, weightOf } from './possibilities.ts';
import type { QuarterDetail } from './types.ts';
import { type Verb, verbWords } from './verbs.ts';
import { adviceOf, leavingWords } from './words.ts';

export interface ActionPanelOptions {
  readonly session: Session;
  readonly zone: string;
  readonly now: number;
  open(verb: Verb, label: string): void;
}

const classes = { first: 'primary', plain: '', grave: 'danger' } as const;

/** What the person can have done to the quarter now, and why not the rest. */
export function actionPanel(
  quarter: QuarterDetail,
  { session, zone, now, open }: ActionPanelOptions,
): TemplateResult {
  const all = possibilities(quarter, session.name, zone, now).toSorted(byWeight);
  const cannot = all.filter(({ whyNot }) => whyNot !== undefined);
  const may = mayMoveQuarters(session);
  const advice = adviceOf(quarter, now);
  return html`<section class="card actions" aria-labelledby="actions-title">
    <h2 id="actions-title">What can be done now</h2>
    ${
      may
        ? nothing
        : html`<p class="notice">
          You may look at everything here. To close, archive or hold a quarter takes a key with the role <strong>finance</strong>; yours has
          ${session.roles.join(', ')}.
        </p>`
    }
    ${may && advice !== undefined ? html`<p>${advice}</p>` : nothing}
    ${
      cannot.length === all.length
        ? html`<p class="faint">Nothing.</p>`
        : html`<ul class="verbs">
          ${
            // Each verb has a place of its own: a button stays where it is, and the focus on it, when others come and go.
            all.map(({ verb, label, whyNot }) =>
              whyNot !== undefined ? nothing : one(verb, label, may ? () => open(verb, label) : undefined),
            )
          }
        </ul>`
    }
    ${
      cannot.length === 0
        ? nothing
        : html`<details class="not-now">
          <summary>Not now (${cannot.length})</summary>
          <dl class="why-not">
            ${cannot.map(({ label, whyNot }) => html`<dt>${label}</dt><dd>${whyNot}</dd>`)}
          </dl>
        </details>`
    }
  </section>`;
}

/** One verb; a word instead of a button for who may not ask for it. */
function one(verb: Verb, label: string, ask: (() => void) | undefined): TemplateResult {
  return html`<li>
    ${
      ask === undefined
        ? html`<strong>${label}</strong>`
        : html`<button type="button" class=${classes[weightOf(verb)]} @click=${ask}>${label} …</button>`
    }
    <span class="does">${firstSentence(verbWords[verb].does)}</span>
  </li>`;
}

/** What the button does is said in full when it is pressed. */
function firstSentence(text: string): string {
  return /^.*?[.:](?= |$)/.exec(text)?.[0].replace(/:$/, '.') ?? text;
}

/** What waits for a second person, with the words of who asked, before all else on the page. */
export function waitingApprovals(
  quarter: QuarterDetail,
  { session, zone, now, open }: ActionPanelOptions,
): TemplateResult | typeof nothing {
  const waiting = quarter.approvals.filter(
    ({ approved_by, verb }) => approved_by === null && quarter.awaiting_approval.includes(verb),
  );
  if (waiting.length === 0) return nothing;
  return html`${waiting.map(({ verb, requested_by, requested_at, reason }) => {
    const isMine = isSamePerson(requested_by, session.name);
    const afterwards = verb === 'archive' ? leavingWords(quarter, zone, now) : undefined;
    return html`<div class="warning approval">
      <p>
        <strong>${nameOf(requested_by, session.name)} asked for the ${verb}</strong>, ${formatInstant(requested_at, zone)}${
          reason === null ? ', and gave no reason' : html`: “${own(reason)}”`
        }.
      </p>
      ${
        isMine
          ? html`<p>Nobody approves their own request: somebody else with the role finance finds it here and on the first page.</p>`
          : mayMoveQuarters(session)
            ? html`<p>Look at the trial balance and the checks below. If they are right, approve it: it begins at once. ${afterwards ?? nothing}</p>
              <button type="button" class="primary" @click=${() => open('approve', 'Approve')}>Approve the ${verb} …</button>`
            : html`<p>Somebody else with the role finance has to approve it.</p>`
      }
    </div>`;
  })}`;
}
