import { html, nothing, type TemplateResult } from 'lit-html';
import { formatInstant } from '../format.ts';
import { own } from '../own.ts';
import { prose } from '../prose.ts';
import type { Pace } from './pace.ts';
import { progressWords } from './progress-words.ts';
import type { Job } from './types.ts';

export interface JobCardOptions {
  readonly zone: string;
  readonly pace: Pace | undefined;
  /** Asks for it again; undefined where the person may not, or it would not help. */
  readonly retry?: (() => void) | undefined;
  readonly busy?: boolean;
}

const states: Readonly<Record<Job['state'], string>> = {
  waiting: 'waits for a worker',
  running: 'under way',
  done: 'done',
  failed: 'failed',
};

/** What to do about a failure, by who can mend it. */
const advice: Readonly<Record<string, string>> = {
  busy: 'Something else is in the way for now.',
  unavailable: 'The store or the database could not be reached. Look at Health, then try again.',
  refused: 'Mend what it says, then try again.',
  conflict: 'The quarter is in another state than this needs. Look at it, then decide anew.',
  corrupt:
    'Something is not what it should be. Nothing was changed. Show this to those who run the ledger before you try again.',
  internal: 'Show this to those who run the ledger: the log of the worker says why.',
  config: 'Show this to those who run the ledger: a setting or a privilege is wrong.',
};

/** One job: what it is, how far it is, and what became of it. */
export function jobCard(job: Job, { zone, pace, retry, busy = false }: JobCardOptions): TemplateResult {
  const { state, verb, actor, reason, requested_at, finished_at, error } = job;
  const isAgain = state === 'waiting' && error !== null;
  return html`<div class="job job-${state}">
    <p class="job-head">
      <strong>${verb}</strong>
      <span class="tag">${isAgain ? 'is tried again by itself' : states[state]}</span>
      <span class="faint">
        asked for by ${own(actor)}, ${formatInstant(requested_at, zone)}${
          finished_at === null ? nothing : html`; ended ${formatInstant(finished_at, zone)}`
        }
      </span>
    </p>
    ${reason === null ? nothing : html`<p class="said">“${own(reason)}”</p>`} ${progressOf(job, pace)}
    ${
      error === null || state === 'done'
        ? nothing
        : html`<div class=${state === 'failed' ? 'problem' : 'warning'}>
          <p>${prose(error.detail)}</p>
          <p>
            ${
              isAgain || error.code === 'superseded'
                ? nothing
                : (advice[error.kind] ?? 'Look at what it says, then try again.')
            }
            ${state === 'failed' && verb === 'drop' ? 'A drop is asked for anew each time, with the name of the quarter.' : nothing}
            <code class="faint">${error.code}</code>
          </p>
        </div>`
    }
    ${
      retry === undefined || state !== 'failed'
        ? nothing
        : html`<button type="button" ?disabled=${busy} @click=${retry}>Try ${verb} again</button>`
    }
  </div>`;
}

function progressOf({ state, progress, verb }: Job, pace: Pace | undefined): TemplateResult | typeof nothing {
  if (state !== 'running') return nothing;
  if (progress === null) return html`<progress aria-label=${`Progress of ${verb}`}></progress>`;
  const { doing, far, pace: quick } = progressWords(progress, pace);
  return html`<progress
      aria-label=${`Progress of ${verb}`}
      max=${progress.total ?? nothing}
      value=${progress.total === null ? nothing : progress.done}
    ></progress>
    <p class="far">${doing}: ${far}${quick === undefined ? nothing : html`<span class="faint">, ${quick}</span>`}</p>`;
}
