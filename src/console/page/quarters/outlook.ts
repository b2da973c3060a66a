import { html, nothing, type TemplateResult } from 'lit-html';
import { told } from '../own.ts';
import { prose } from '../prose.ts';
import { untilWords } from './calendar.ts';
import type { Obstacle, VerbAnswer } from './types.ts';
import type { Verb } from './verbs.ts';

/** What to do about an obstacle on this page; what it is the server has said. */
const remedies: Readonly<Record<string, string>> = {
  summaries_outstanding:
    'A worker brings them up to date, as a rule within minutes. Health shows whether it runs.',
  quarter_held: 'End the hold first, if it may end.',
  quarter_stale: 'Close it again first.',
  not_verified: 'Verify it first.',
  quarter_busy: 'Something is being done to it. Look again when that is done.',
  own_request: 'Ask a colleague with the role finance to open this page.',
};

/** How a dry run stands for who wants to go on. */
export interface Judged {
  /** What has to be mended first. */
  readonly blocking: readonly Obstacle[];
  /** What passes by itself: a worker waits for it. */
  readonly passing: readonly Obstacle[];
  /** It is only asked for, and somebody else has to approve. */
  readonly needsSecond: boolean;
}

/** The fields say by themselves that a reason is missing; all else is sorted by who mends it. */
export function judge({ obstacles = [] }: VerbAnswer, isLong: boolean): Judged {
  const told = obstacles.filter(({ code }) => code !== 'reason_missing' && code !== 'approval_required');
  const passes = ({ kind }: Obstacle) => isLong && kind === 'busy';
  return {
    blocking: told.filter((one) => !passes(one)),
    passing: told.filter(passes),
    needsSecond: obstacles.some(({ code }) => code === 'approval_required'),
  };
}

/** Verbs that are done where they are asked for; all others a worker may do. */
export const shortVerbs: readonly Verb[] = ['approve', 'hold', 'unhold'];

/** What would be done, and what stands in the way, before anything is. */
export function outlook(answer: VerbAnswer, verb: Verb, zone: string): TemplateResult {
  const { blocking, passing } = judge(answer, !shortVerbs.includes(verb));
  const { quarter, done, steps = [] } = answer;
  if (done && blocking.length === 0)
    return html`<p class="success">That is done already: asking for it again changes nothing.</p>`;
  return html`${
    blocking.length === 0
      ? nothing
      : html`<div class="problem" role="alert">
        <p><strong>${quarter}: this cannot be done now.</strong></p>
        <ul class="obstacles">${blocking.map(obstacle)}</ul>
      </div>`
  }
  ${
    passing.length === 0
      ? nothing
      : html`<div class="warning" role="status">
        <p><strong>It cannot begin yet, and that passes by itself.</strong></p>
        <ul class="obstacles">${passing.map(obstacle)}</ul>
        <p>Ask for it now and a worker waits for it, or look again later.</p>
      </div>`
  }
  ${
    steps.length === 0
      ? nothing
      : html`<p class="lead">${blocking.length === 0 ? 'This is what it will do:' : 'This is what it would do:'}</p>
        <ol class="steps">${steps.map((step) => html`<li>${prose(stepWords(step, zone))}</li>`)}</ol>`
  }`;
}

function obstacle({ code, detail }: Obstacle): TemplateResult {
  const other = /^earlier_quarter/.test(code) ? /Close (\d{4}q[1-4]) first/.exec(detail)?.[1] : undefined;
  return html`<li>
    ${prose(detail)}
    ${remedies[code] ?? nothing}
    ${other === undefined ? nothing : html`<a href=${`/console/quarters/${other}`}>Go to ${other}</a>.`}
    <code class="faint">${code}</code>
  </li>`;
}

/** A step as a sentence; what hangs on a reason that is not written yet says so. Times and large numbers are as people write them. */
function stepWords(step: string, zone: string): string {
  const words = told(step)
    .replace(/ for: (?=;|$)/, ' for the reason you give')
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, (instant) => untilWords(instant, zone))
    .replace(/(?<![\w/.-])\d{5,}(?![\w/-])/g, (digits) => BigInt(digits).toLocaleString('en-GB'));
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
