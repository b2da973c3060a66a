import { html, nothing, type TemplateResult } from 'lit-html';
import { poll } from '../poll.ts';
import { problem } from '../problem.ts';
import type { ViewContext } from '../view.ts';
import { jobCard } from './job-card.ts';
import { Paces } from './pace.ts';
import type { Job } from './types.ts';

/** Follows one job until it has ended. */
export interface JobWatch {
  render(): TemplateResult;
  end(): void;
}

/** @param onChanged called each time that its state changes */
export function createJobWatch(context: ViewContext, id: string, onChanged: () => void): JobWatch {
  const { api, update, about } = context;
  const paces = new Paces();
  const own = new AbortController();
  let job: Job | undefined;
  let failure: unknown;

  const signal = AbortSignal.any([context.signal, own.signal]);
  poll(signal, 1, async () => {
    try {
      const { data } = await api.GET('/v1/jobs/{id}', { params: { path: { id } }, signal });
      if (data === undefined) return;
      failure = undefined;
      const before = job?.state;
      job = data;
      if (data.progress) paces.note(id, data.progress.what, data.progress.done, data.updated_at);
      if (before !== data.state) onChanged();
      if (data.state === 'done' || data.state === 'failed') own.abort();
    } catch (error) {
      if (!signal.aborted) failure = error;
    }
    update();
  });

  return {
    end: () => own.abort(),
    render() {
      const total = job?.progress?.total ?? undefined;
      return html`${job === undefined ? nothing : jobCard(job, { zone: about.zone, pace: paces.of(id, total) })}
      ${job?.state === 'done' ? html`<p class="success">Done.</p>` : nothing}
      ${failure === undefined ? nothing : problem(failure)}`;
    },
  };
}
