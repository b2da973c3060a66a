import { html, nothing, type TemplateResult } from 'lit-html';
import { QuartermasterError } from '../../../../clients/typescript/src/index.ts';
import { now } from '../clock.ts';
import { formatInstant } from '../format.ts';
import { createConfirm } from '../health/confirm.ts';
import { eventTable } from '../health/events.ts';
import { alertList, checkList, indexFindings, runningJobs, standing, unknownNote } from '../health/parts.ts';
import { whatItDoes } from '../health/queue-words.ts';
import { failureList, queueTable } from '../health/queues.ts';
import type { Failure, Job, Operation, Queue } from '../health/types.ts';
import { verdictOf } from '../health/verdict.ts';
import { answered, load } from '../ledger/load.ts';
import { own } from '../own.ts';
import { poll } from '../poll.ts';
import { problem } from '../problem.ts';
import { mayMoveQuarters } from '../session.ts';
import type { CreateView } from '../view.ts';

/** Seconds between two looks: what is shown is read anew by the server no more often than every other second. */
const EVERY = 5;

/** How the house stands, and what was done in it. */
export const createHealth: CreateView = (context) => {
  const { api, about, session, signal, query, update, go } = context;
  const { zone } = about;
  const confirm = createConfirm({ update });
  const mayRetry = mayMoveQuarters(session);
  const mayRun = session.ledgers === null && session.roles.includes('admin');
  const actor = query.get('actor')?.trim() ?? '';
  const cursor = query.get('cursor')?.trim() ?? '';

  let operation: Operation | undefined;
  let jobs: readonly Job[] | undefined;
  let failed: unknown;
  const events = load(context, async () => {
    const wanted = { limit: '20', ...(actor !== '' && { actor }), ...(cursor !== '' && { cursor }) };
    return answered(await api.GET('/v1/events', { params: { query: wanted }, signal }));
  });

  async function look(): Promise<void> {
    try {
      const [stands, asked] = await Promise.all([
        api.GET('/v1/operation', { signal }),
        api.GET('/v1/jobs', { signal }),
      ]);
      operation = answered(stands);
      jobs = answered(asked).jobs;
      failed = undefined;
    } catch (error) {
      // What was last known stays below what went wrong.
      failed = error;
    }
    if (!signal.aborted) update();
  }
  poll(signal, EVERY, async () => {
    // The first look at the events is under way already; older pages of them stay as they are.
    const first = operation === undefined && failed === undefined;
    await Promise.all([look(), ...(first || cursor !== '' ? [] : [events.again()])]);
  });

  async function done(): Promise<void> {
    await Promise.all([look(), events.again()]);
  }

  function run({ name, waiting }: Queue): void {
    confirm.ask({
      title: `Run ${name} now?`,
      what: html`<p>It ${whatItDoes(name) ?? 'does what it does by its schedule'}.</p>
        <p>${waiting > 0 ? 'One waits already, so nothing is added to it.' : 'A worker takes it as soon as one is free.'}
          Its schedule stays as it is. The story of the house will say that you, ${own(session.name)}, had it run.</p>`,
      button: 'Run now',
      async act() {
        const { enqueued } = answered(
          await api.POST('/v1/queues/{name}/run', { params: { path: { name } } }),
        );
        await done();
        return enqueued ? `${name} waits for a worker.` : `${name} waited already.`;
      },
    });
  }

  function retry(failure: Failure): (() => void) | undefined {
    const { id, name, quarter } = failure;
    if (quarter === null) {
      const queue = operation?.queues.find((one) => one.name === name);
      return mayRun && queue !== undefined && queue.schedule !== null ? () => run(queue) : undefined;
    }
    // What takes away for good asks for the quarter's name, on its page.
    if (!mayRetry || name === 'drop') return undefined;
    return () =>
      confirm.ask({
        title: `Try ${name} of ${quarter} again?`,
        what: html`<p>The step is asked for once more, as it was, under your name, ${own(session.name)}. It first looks at
          how the quarter stands now, and is refused where the quarter has gone on since.</p>`,
        button: 'Try again',
        async act() {
          await api.POST('/v1/jobs/{id}/retry', { params: { path: { id } } });
          await done();
          return `${name} of ${quarter} waits for a worker.`;
        },
      });
  }

  function refused(): TemplateResult | typeof nothing {
    if (failed === undefined) return nothing;
    if (failed instanceof QuartermasterError && failed.status === 403) {
      return html`<p class="card">How the house stands is about all ledgers at once, and your key is for some of them only.
        The <a href="/console/ledger">Ledger</a> shows those that you may see.</p>`;
    }
    return html`${problem(failed)}${operation === undefined ? nothing : html`<p>Below is what was last known, of ${formatInstant(operation.at, zone)}.</p>`}`;
  }

  function stands(known: Operation): TemplateResult {
    const { look: how, sentence, besides } = verdictOf(known);
    const at = now();
    return html`
      <section class="card verdict ${how}" aria-label="In one sentence">
        <p class="sentence" role="status">${sentence}</p>
        ${besides === undefined ? nothing : html`<p>${besides}</p>`}
        <p class="faint">Read ${formatInstant(known.at, zone)} ${zone}, anew every ${EVERY} seconds.</p>
      </section>
      ${known.unknown.length === 0 ? nothing : html`<ul class="warning unknown">${known.unknown.map(({ part, reason }) => html`<li>${part} could not be read: ${reason}</li>`)}</ul>`}
      <section aria-labelledby="checks"><h2 id="checks">Checks</h2>${checkList(known.checks)}</section>
      <section aria-labelledby="failures"><h2 id="failures">What failed</h2>
        ${unknownNote(known, 'failures') ?? failureList(known.failures, { zone, retry })}</section>
      <div class="columns">
        <section class="card" aria-labelledby="standing"><h2 id="standing">How it stands</h2>${standing(known, zone)}</section>
        <section class="card" aria-labelledby="running"><h2 id="running">Steps of quarters under way</h2>${jobs === undefined ? nothing : runningJobs(jobs, zone)}</section>
      </div>
      <section class="card" aria-labelledby="queues"><h2 id="queues">Queues</h2>
        ${unknownNote(known, 'queues') ?? queueTable(known.queues, { zone, now: at, run: mayRun ? run : undefined })}</section>
      <div class="columns">
        <section class="card" aria-labelledby="indexes"><h2 id="indexes">Indexes</h2>${indexFindings(known, zone, mayRun)}</section>
        <section class="card" aria-labelledby="alerts"><h2 id="alerts">Alerts</h2>${alertList(known, zone)}</section>
      </div>`;
  }

  const address = (name: string, page = '') => {
    const to = new URLSearchParams({
      ...(name !== '' && { actor: name }),
      ...(page !== '' && { cursor: page }),
    }).toString();
    return `/console/health${to === '' ? '' : `?${to}`}`;
  };

  function story(): TemplateResult {
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      go(address(String(new FormData(event.target as HTMLFormElement).get('actor') ?? '').trim()));
    };
    const { value, error, pending } = events;
    return html`<section class="card" aria-labelledby="events" aria-busy=${pending ? 'true' : 'false'}>
      <h2 id="events">What people and schedules did</h2>
      <form class="row" aria-label="Events of one person" @submit=${submit}>
        <div class="filter grow"><label for="actor">Name</label>
          <input id="actor" name="actor" autocomplete="off" .value=${actor}></div>
        <button type="submit">Show</button>
        ${actor === '' ? nothing : html`<a class="button" href="/console/health">Everybody</a>`}
        ${actor === session.name ? nothing : html`<a class="button" href=${address(session.name)}>What I did</a>`}
      </form>
      ${value === undefined && error !== undefined ? problem(error) : nothing}
      ${
        value === undefined
          ? nothing
          : value.events.length === 0
            ? html`<p role="status">Nothing${actor === '' ? '' : html` under the name ${own(actor)}`}. Names are looked for as a whole, and capitals count.</p>`
            : eventTable(value.events, zone, (name) => address(name))
      }
      ${
        cursor === '' && (value?.next_cursor ?? null) === null
          ? nothing
          : html`<nav class="row pages" aria-label="Pages of events">
              ${cursor === '' ? nothing : html`<a class="button" href=${address(actor)}>Newest</a>`}
              ${value?.next_cursor ? html`<a class="button" rel="next" href=${address(actor, value.next_cursor)}>Older</a>` : nothing}
            </nav>`
      }
    </section>`;
  }

  return {
    title: () => 'Health',
    render: () => {
      const isOthers = failed instanceof QuartermasterError && failed.status === 403;
      return html`<h1>Health</h1>
        ${confirm.render()}
        ${refused()}
        ${operation === undefined ? (failed === undefined ? html`<p class="waiting" role="status">Looking …</p>` : nothing) : stands(operation)}
        ${isOthers ? nothing : story()}`;
    },
  };
};
