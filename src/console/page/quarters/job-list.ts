import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { poll } from '../poll.ts';
import { problem } from '../problem.ts';
import { mayMoveQuarters } from '../session.ts';
import type { ViewContext } from '../view.ts';
import { jobCard } from './job-card.ts';
import { Paces } from './pace.ts';
import type { Job } from './types.ts';

/** Seconds from one look to the next: a request of a few rows. */
const EVERY = 2;

/** What was asked of the workers for one quarter. */
export interface JobList {
  load(): Promise<void>;
  /** Looks again and again while the view is there. */
  follow(): void;
  render(): TemplateResult | typeof nothing;
}

/** @param onChanged called when a job has begun or ended, for what it did to the quarter */
export function createJobList(context: ViewContext, quarter: string, onChanged: () => void): JobList {
  const { api, session, about, signal, update } = context;
  const paces = new Paces();
  let jobs: readonly Job[] | undefined;
  let failure: unknown;
  let isAsking = false;

  async function load(): Promise<void> {
    const { data } = await api.GET('/v1/jobs', { params: { query: { quarter } }, signal });
    const before = jobs;
    jobs = data?.jobs ?? [];
    for (const { id, progress, updated_at } of jobs)
      if (progress) paces.note(id, progress.what, progress.done, updated_at);
    const states = (some: readonly Job[]) => some.map(({ id, state }) => `${id} ${state}`).join();
    if (before !== undefined && states(before) !== states(jobs)) onChanged();
    update();
  }

  async function retry(id: string): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    failure = undefined;
    update();
    try {
      await api.POST('/v1/jobs/{id}/retry', { params: { path: { id } }, signal });
      await load();
    } catch (error) {
      if (!signal.aborted) failure = error;
    }
    isAsking = false;
    update();
  }

  function render(): TemplateResult | typeof nothing {
    if (jobs === undefined || jobs.length === 0) return nothing;
    const may = mayMoveQuarters(session);
    return html`<section class="card" aria-labelledby="jobs-title">
      <h2 id="jobs-title">What the workers do</h2>
      ${failure === undefined ? nothing : problem(failure)}
      ${repeat(
        jobs,
        ({ id }) => id,
        (job) =>
          jobCard(job, {
            zone: about.zone,
            pace: paces.of(job.id, job.progress?.total ?? undefined),
            busy: isAsking,
            // What takes away for good is asked for anew, by the form that asks for the quarter's name.
            retry: may && job.verb !== 'drop' ? () => void retry(job.id) : undefined,
          }),
      )}
    </section>`;
  }

  return { load, follow: () => poll(signal, EVERY, load), render };
}
