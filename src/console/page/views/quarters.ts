import { html, nothing, type TemplateResult } from 'lit-html';
import { formatBytes, formatCount, formatInstant } from '../format.ts';
import { poll } from '../poll.ts';
import { problem } from '../problem.ts';
import { prose } from '../prose.ts';
import { createActionDialog } from '../quarters/action-dialog.ts';
import { type Matter, mattersOf } from '../quarters/attention.ts';
import { nextName, whenOf } from '../quarters/calendar.ts';
import { isPartial, notLetIn } from '../quarters/not-let-in.ts';
import { answeredAt } from '../quarters/server-time.ts';
import { legend } from '../quarters/sign.ts';
import { timeline } from '../quarters/timeline.ts';
import type { Approval, Job, Quarter } from '../quarters/types.ts';
import { plural } from '../quarters/words.ts';
import { mayMoveQuarters } from '../session.ts';
import type { CreateView } from '../view.ts';

/** Below this there is no room for the table. */
const NARROW = '(max-width: 60rem)';
/** Seconds from one look to the next. */
const EVERY = 10;
/** How many matters are shown before the others are unfolded, so that the quarters begin on the first screen. */
const AT_FIRST = 4;

/** All quarters, and what of them needs somebody. */
export const createQuarters: CreateView = (context) => {
  const { api, session, about, signal, update } = context;
  const { zone } = about;
  let quarters: readonly Quarter[] | undefined;
  let jobs: readonly Job[] = [];
  const approvals = new Map<string, readonly Approval[]>();
  let failure: unknown;
  /** As the server told it with its last answer. */
  let now = 0;
  const narrow = window.matchMedia(NARROW);
  narrow.addEventListener('change', () => update(), { signal });

  async function load(): Promise<void> {
    try {
      const [listed, asked] = await Promise.all([
        api.GET('/v1/quarters', { signal }),
        api.GET('/v1/jobs', { signal }),
      ]);
      quarters = listed.data?.quarters ?? [];
      jobs = asked.data?.jobs ?? [];
      await loadApprovals(quarters.filter(({ awaiting_approval }) => awaiting_approval.length > 0));
      now = answeredAt(listed.response);
      failure = undefined;
    } catch (error) {
      if (signal.aborted) return;
      failure = error;
    }
    update();
  }

  /** Who asked, and why: of the few that wait. */
  async function loadApprovals(waiting: readonly Quarter[]): Promise<void> {
    approvals.clear();
    for (const { quarter } of waiting.slice(0, 8)) {
      const { data } = await api.GET('/v1/quarters/{quarter}', { params: { path: { quarter } }, signal });
      if (data !== undefined) approvals.set(quarter, data.approvals);
    }
  }

  const dialog = createActionDialog(context, () => void load());
  if (!isPartial(session)) poll(signal, EVERY, load);

  function content(known: readonly Quarter[]): TemplateResult {
    const matters = mattersOf({ quarters: known, jobs, approvals, person: session.name, zone, now });
    return html`
      ${failure === undefined ? nothing : html`${problem(failure)}<p class="faint">What follows is as of ${formatInstant(new Date(now).toISOString(), zone)}.</p>`}
      <div class="columns overview">${needs(matters)} ${sums(known, now)}</div>
      <section class=${narrow.matches ? '' : 'card'} aria-labelledby="timeline-title">
        <div class="card-title">
          <h2 id="timeline-title">All quarters</h2>
          ${jump(known)} ${create(known)}
        </div>
        ${timeline({ quarters: known, zone, now, isNarrow: narrow.matches })}
      </section>
    `;
  }

  /** The current quarter is far down where there are many. */
  function jump(known: readonly Quarter[]): TemplateResult | typeof nothing {
    const current = known.find((one) => whenOf(one, now) === 'present');
    if (current === undefined || known.length < 12) return nothing;
    const go = () => {
      const link = document.querySelector<HTMLElement>(`main a[href$="/quarters/${current.quarter}"]`);
      link?.scrollIntoView({ block: 'center' });
      link?.focus();
    };
    return html`<button type="button" @click=${go}>Go to ${current.quarter}, the current one</button>`;
  }

  function create(known: readonly Quarter[]): TemplateResult | typeof nothing {
    const last = known.at(-1);
    if (last === undefined || !mayMoveQuarters(session)) return nothing;
    const asked = {
      quarter: nextName(last.quarter),
      verb: 'create',
      label: 'Create',
      needsInto: false,
      needsUntil: false,
    } as const;
    return html`<button type="button" @click=${() => dialog.open(asked)}>Create ${asked.quarter} …</button>`;
  }

  function render(): TemplateResult {
    if (isPartial(session)) return html`<h1 tabindex="-1">Quarters</h1>${notLetIn(session)}`;
    return html`<h1 tabindex="-1">Quarters</h1>
      ${
        quarters !== undefined
          ? content(quarters)
          : failure !== undefined
            ? problem(failure)
            : html`<p class="waiting">Reading the quarters …</p>`
      }
      ${dialog.render()}`;
  }

  return { title: () => 'Quarters', render };
};

function needs(matters: readonly Matter[]): TemplateResult {
  // One more takes no more room than the words that stand for it.
  const first = matters.length <= AT_FIRST + 1 ? matters.length : AT_FIRST;
  return html`<section class="card needs" aria-labelledby="needs-title">
    <h2 id="needs-title">What needs somebody today</h2>
    ${
      matters.length === 0
        ? html`<p class="success calm">Nothing needs you. Everything else goes by itself.</p>`
        : html`<ul class="matters">${matters.slice(0, first).map(matterLine)}</ul>
          ${
            matters.length === first
              ? nothing
              : html`<details class="more-matters">
                <summary>and ${matters.length - first} more</summary>
                <ul class="matters">${matters.slice(first).map(matterLine)}</ul>
              </details>`
          }`
    }
  </section>`;
}

function matterLine({ quarter, kind, says, tone }: Matter): TemplateResult {
  return html`<li class="matter matter-${tone}">
    <a href=${`/console/quarters/${quarter}`}>${quarter}</a> <span class="tag">${kinds[kind]}</span>
    <span>${prose(says)}</span>
  </li>`;
}

const kinds: Readonly<Record<Matter['kind'], string>> = {
  damaged: 'archive damaged',
  failed: 'failed',
  approval: 'waits for approval',
  stale: 'stale close',
  unclosed: 'ended, not closed',
};

function sums(quarters: readonly Quarter[], now: number): TemplateResult {
  const sum = (of: (one: Quarter) => number) => quarters.reduce((total, one) => total + of(one), 0);
  const inside = quarters.filter(({ attached }) => attached).length;
  const ahead = quarters.filter((one) => whenOf(one, now) === 'future').length;
  const archived = quarters.filter(({ archived_bytes }) => archived_bytes > 0);
  return html`<section class="card" aria-labelledby="sums-title">
    <h2 id="sums-title">All together</h2>
    <dl class="facts">
      <dt>Quarters</dt><dd>${plural(quarters.length, 'quarter')}: ${inside} in the ledger, ${ahead} of them ahead</dd>
      <dt>Transactions</dt><dd>${formatCount(sum(({ transactions }) => transactions))}</dd>
      <dt>In the database</dt><dd>${formatBytes(sum(({ online_bytes }) => online_bytes))}</dd>
      <dt>In the archive</dt>
      <dd>${archived.length === 0 ? 'nothing yet' : `${formatBytes(sum(({ archived_bytes }) => archived_bytes))} of ${plural(archived.length, 'quarter')}`}</dd>
    </dl>
    ${legend()}
  </section>`;
}
