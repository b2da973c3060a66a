import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { QuartermasterError } from '../../../../clients/typescript/src/index.ts';
import { own } from '../own.ts';
import { poll } from '../poll.ts';
import { problem } from '../problem.ts';
import { createActionDialog } from '../quarters/action-dialog.ts';
import { actionPanel, waitingApprovals } from '../quarters/action-panel.ts';
import { archivePart } from '../quarters/archive-part.ts';
import { periodOf } from '../quarters/calendar.ts';
import { approvals, checks, copies, facts } from '../quarters/facts.ts';
import { createJobList } from '../quarters/job-list.ts';
import { lifeLine } from '../quarters/life.ts';
import { isPartial, noSuchQuarter, notLetIn } from '../quarters/not-let-in.ts';
import { answeredAt } from '../quarters/server-time.ts';
import { story } from '../quarters/story.ts';
import { states } from '../quarters/timeline.ts';
import { createTrialBalance } from '../quarters/trial-balance.ts';
import type { Quarter, QuarterDetail } from '../quarters/types.ts';
import type { Verb } from '../quarters/verbs.ts';
import { isDamaged, leavingWords, nextWords, standing } from '../quarters/words.ts';
import { mayMoveQuarters } from '../session.ts';
import type { CreateView } from '../view.ts';

/** Seconds from one look at the quarter to the next; its jobs are looked at more often. */
const EVERY = 10;

/** One quarter: where it is in its life, all that is known of it, and what can be done to it. */
export const createQuarter: CreateView = (context) => {
  const { api, session, about, parameters, signal, update } = context;
  const { zone } = about;
  const name = parameters.quarter ?? '';
  const path = { quarter: name };
  let quarter: QuarterDetail | undefined;
  let all: readonly Quarter[] = [];
  let failure: unknown;
  /** As the server told it with its last answer. */
  let now = 0;
  let isWholeStory = false;

  async function load(): Promise<void> {
    try {
      const { data, response } = await api.GET('/v1/quarters/{quarter}', { params: { path }, signal });
      now = answeredAt(response);
      const before = quarter;
      quarter = data;
      failure = undefined;
      // The trial balance is that of the last close, and the neighbours change with what is done here.
      const isClosedAnew = quarter?.closed_at !== before?.closed_at || balance.hasFailed();
      if (quarter !== undefined && quarter.closed_at !== null && isClosedAnew) void balance.load();
      if (all.length === 0 || before?.state !== quarter?.state) void loadAll();
    } catch (error) {
      if (signal.aborted) return;
      failure = error;
    }
    update();
  }

  /** Its neighbours: a page without them is still a page, and they are asked for again at the next look. */
  async function loadAll(): Promise<void> {
    try {
      const { data } = await api.GET('/v1/quarters', { signal });
      all = data?.quarters ?? all;
      update();
    } catch (error) {
      if (!(error instanceof QuartermasterError)) throw error;
    }
  }

  const balance = createTrialBalance(context, name);
  const changed = () => void load();
  const jobs = createJobList(context, name, changed);
  const dialog = createActionDialog(context, () => {
    changed();
    // Where it fails, the next turn comes soon.
    jobs.load().catch(() => {});
  });
  if (!isPartial(session)) {
    poll(signal, EVERY, load);
    jobs.follow();
  }

  function open(verb: Verb, label: string, into = ''): void {
    const state = quarter?.state;
    const isRestore = verb === 'restore';
    const needsInto = isRestore && state === 'archived';
    const needsUntil = isRestore && state === 'restored';
    const isArchive =
      verb === 'archive' || (verb === 'approve' && quarter?.awaiting_approval.includes('archive'));
    const afterwards = quarter && isArchive ? leavingWords(quarter, zone, now) : undefined;
    dialog.open({ quarter: name, verb, label, needsInto, needsUntil, afterwards }, into);
  }

  function content(known: QuarterDetail): TemplateResult {
    const actions = { session, zone, now, open };
    const next = nextWords(known, zone, now);
    return html`
      <p class="states">${states(known, now)}</p>
      ${failure === undefined ? nothing : problem(failure)} ${notices(known)} ${waitingApprovals(known, actions)}
      <section class="card" aria-labelledby="life-title">
        <h2 id="life-title">Where it is in its life</h2>
        ${lifeLine(known, zone)}
        <p>${standing(known, zone, now)}</p>
        <p><strong>What comes next:</strong> ${next ?? 'nothing by itself'}.</p>
      </section>
      <div class="columns">
        ${actionPanel(known, actions)}
        <section class="card" aria-labelledby="facts-title">
          <h2 id="facts-title">What is known of it</h2>
          ${facts(known, zone)}
        </section>
        ${besides(known)}
      </div>
      <section class="card" aria-labelledby="checks-title">
        <h2 id="checks-title">Checks of its last close</h2>
        ${checks(known, zone)}
      </section>
      ${
        known.closed_at === null
          ? html`<section class="card" aria-labelledby="balance-title">
            <h2 id="balance-title">Trial balance</h2>
            <p class="faint">There is none yet: it is fixed when the quarter is closed.</p>
          </section>`
          : balance.render()
      }
      ${archivePart(known, all, zone)}
      ${story(known.events, {
        zone,
        isWhole: isWholeStory,
        showAll() {
          isWholeStory = true;
          update();
        },
      })}
    `;
  }

  /** What not every quarter has. */
  function besides(known: QuarterDetail): TemplateResult | typeof nothing {
    const release = mayMoveQuarters(session)
      ? (schema: string) => open('release', 'Drop the copy', schema)
      : undefined;
    const parts = [jobs.render(), approvals(known, zone), copies(known, { zone, release })];
    return parts.every((part) => part === nothing) ? nothing : html`<div>${parts}</div>`;
  }

  function notices(known: QuarterDetail): TemplateResult {
    const { hold_reason, stale_reason } = known;
    return html`${
      hold_reason === null
        ? nothing
        : html`<p class="notice held"><strong>It is held:</strong> ${own(hold_reason)}. Nothing takes it out or deletes it until the hold is ended.</p>`
    }
    ${
      stale_reason === null
        ? nothing
        : html`<p class="warning"><strong>Its close does not count any more:</strong> ${own(stale_reason)}. It has to be closed again.</p>`
    }
    ${
      isDamaged(known)
        ? html`<p class="problem"><strong>Its archive was found damaged.</strong> Its story below says what was found. Nothing leaves the ledger, and nothing is restored from it, until it was verified again.</p>`
        : nothing
    }`;
  }

  function unknown(error: unknown): TemplateResult {
    const isNone = error instanceof QuartermasterError && error.code === 'no_such_quarter';
    return isNone ? noSuchQuarter(name) : problem(error);
  }

  /** The ones before and after it. */
  function neighbours(): TemplateResult {
    const at = all.findIndex((one) => one.quarter === name);
    const link = (one: Quarter | undefined, words: string) =>
      one === undefined
        ? nothing
        : html`<a href=${`/console/quarters/${one.quarter}`}>${words} ${one.quarter}</a>`;
    return html`<nav class="neighbours" aria-label="Quarters around it">
      <a href="/console">All quarters</a>
      ${at < 0 ? nothing : html`${link(all[at - 1], 'Before it:')} ${link(all[at + 1], 'After it:')}`}
    </nav>`;
  }

  /** What is folded out or written into a field of one quarter is not of the next: each is drawn afresh. */
  function render(): TemplateResult {
    return html`${repeat([name], (one) => one, whole)}`;
  }

  function whole(): TemplateResult {
    if (isPartial(session)) return html`<h1 tabindex="-1">${name}</h1>${notLetIn(session)}`;
    return html`${neighbours()}
      <h1 tabindex="-1">
        ${name}${quarter === undefined ? nothing : html` <span class="period">${periodOf(quarter, zone)}</span>`}
      </h1>
      ${
        quarter !== undefined
          ? content(quarter)
          : failure !== undefined
            ? unknown(failure)
            : html`<p class="waiting">Reading ${name} …</p>`
      }
      ${dialog.render()}`;
  }

  return { title: () => name, render };
};
