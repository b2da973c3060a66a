import { html, nothing, type TemplateResult } from 'lit-html';
import { formatBytes, formatDay, formatInstant } from '../format.ts';
import { copyButton } from '../ledger/copy.ts';
import { own } from '../own.ts';
import { prose } from '../prose.ts';
import { spanWords } from './schedule.ts';
import { stateSign } from './state.ts';
import type { Check, Job, Operation } from './types.ts';

/** Why a part is not shown, where it could not be read; the others are shown all the same. */
export function unknownNote(
  { unknown }: Pick<Operation, 'unknown'>,
  part: string,
): TemplateResult | undefined {
  const found = unknown.find((one) => one.part === part);
  return found && html`<p class="warning">This could not be read: ${found.reason}</p>`;
}

/** Checks by their names: what needs somebody with what to do, and what is well in a list that is short. */
export function checkList(checks: readonly Check[]): TemplateResult {
  const needing = checks.filter(({ state }) => state !== 'ok');
  const well = checks.filter(({ state }) => state === 'ok');
  return html`${needing.map(
    ({ name, state, detail, advice, runbook }) => html`<article class="card check is-${state}">
        <h3>${stateSign(state)} <span class="check-name">${name}</span></h3>
        <p>${prose(detail)}</p>
        ${advice === null ? nothing : html`<p><strong>What to do:</strong> ${prose(advice)}</p>`}
        ${runbook === null ? nothing : html`<p class="faint">Step by step: ${runbookLink(runbook, runbook)}</p>`}
      </article>`,
  )}
    ${
      well.length === 0
        ? nothing
        : html`<details class="card" ?open=${needing.length === 0}>
            <summary>${well.length} ${well.length === 1 ? 'check is' : 'checks are'} well</summary>
            <dl class="facts well-checks">
              ${well.map(({ name, state, detail }) => html`<dt>${stateSign(state)} ${name}</dt><dd>${prose(detail)}</dd>`)}
            </dl>
          </details>`
    }`;
}

/** How long postings have somewhere to go, how far the replica and the summaries are, and when archives were read. */
export function standing(operation: Operation, zone: string): TemplateResult {
  const { horizon, replica, summaries, fixity } = operation;
  const fact = (part: string, name: string, value: TemplateResult | string) =>
    html`<dt>${name}</dt><dd>${unknownNote(operation, part) ?? value}</dd>`;
  return html`<dl class="facts">
    ${fact(
      'horizon',
      'Horizon',
      horizon === null
        ? 'Not known.'
        : html`Postings have partitions until ${formatDay(horizon.ends_at, zone)}.
          ${
            horizon.missing.length === 0
              ? nothing
              : html`Missing on the way to ${formatDay(horizon.wanted_until, zone)}: ${horizon.missing.join(', ')}.`
          }`,
    )}
    ${fact(
      'replica',
      'Replica',
      replica === null
        ? 'There is none: everything is read from the primary.'
        : html`${stateSign(replica.state === 'ok' ? 'ok' : 'warning')}
          ${replica.lag_seconds === null ? nothing : html`${spanWords(replica.lag_seconds)} behind at most.`} ${replica.reason}`,
    )}
    ${fact(
      'summaries',
      'Summaries',
      summaries === null
        ? 'Not known.'
        : summaries.days === 0
          ? 'Everything is summed up.'
          : html`${summaries.days} ${summaries.days === 1 ? 'day' : 'days'} to sum up, for ${spanWords(summaries.lag_seconds)}. What is read is exact all the same.`,
    )}
    ${fact(
      'fixity',
      'Archives',
      fixity === null
        ? 'Not known.'
        : fixity.oldest_verified_at === null
          ? 'There are none.'
          : html`Each was read again within ${fixity.within_days} days or will be: the one that waits longest is
            <a href=${`/console/quarters/${fixity.quarter}`}>${fixity.quarter}</a>, read ${formatInstant(fixity.oldest_verified_at, zone)}.`,
    )}
  </dl>`;
}

/** Steps of quarters that are under way, each with how far it is. */
export function runningJobs(jobs: readonly Job[], zone: string): TemplateResult | typeof nothing {
  const now = jobs.filter(({ state }) => state === 'running' || state === 'waiting');
  if (now.length === 0) return html`<p class="faint">No step of a quarter runs or waits.</p>`;
  return html`<ul class="jobs">
    ${now.map(
      ({ verb, quarter, actor, state, progress, started_at, error }) => html`<li>
        <strong>${verb}</strong> of <a href=${`/console/quarters/${quarter}`}>${quarter}</a>, asked for by ${own(actor)}:
        ${
          state === 'waiting'
            ? error === null
              ? 'waits for a worker'
              : html`waits for another try: ${prose(error.detail)}`
            : html`runs${started_at === null ? nothing : html` since ${formatInstant(started_at, zone)}`}`
        }
        ${
          progress === null || state !== 'running'
            ? nothing
            : html`<br><label>${progress.what}
              <progress max=${progress.total ?? nothing} value=${progress.total === null ? nothing : progress.done}></progress></label>`
        }
      </li>`,
    )}
  </ul>`;
}

/** What the last audit found, each with the statement that mends it. `mayRun`: the person has the button that looks now. */
export function indexFindings(operation: Operation, zone: string, mayRun: boolean): TemplateResult {
  const { indexes } = operation;
  const note = unknownNote(operation, 'indexes');
  if (note !== undefined) return note;
  if (indexes === null) {
    return html`<p>They have not been looked at yet: <code>audit-indexes</code> does so each week${
      mayRun ? ', or now by its button above' : '; whoever has the role admin can run it now'
    }.</p>`;
  }
  return html`<p class="faint">Looked at ${formatInstant(indexes.audited_at, zone)}.</p>
    ${
      indexes.findings.length === 0
        ? html`<p>Nothing is wrong with any index.</p>`
        : html`<ul class="findings">${indexes.findings.map(
            ({ kind, index, detail, remedy, bytes }) => html`<li>
              <p><strong>${kind}</strong> <code>${index}</code> ${bytes === 0 ? nothing : html`<span class="faint">${formatBytes(bytes)}</span>`}<br>${detail}</p>
              ${remedy === null ? nothing : html`<p class="remedy"><code>${remedy}</code> ${copyButton(remedy)}</p>`}
            </li>`,
          )}</ul>`
    }`;
}

/** What Prometheus says, or how it is connected. */
export function alertList({ alerts }: Operation, zone: string): TemplateResult {
  if (alerts === null) {
    return html`<p>Not connected. Set <code>QM_PROMETHEUS_URL</code> to the Prometheus that has the rules of the chart
      (<code>helm/quartermaster/files/alerts.yaml</code>), and its alerts are shown here. The checks above judge by the same limits.</p>`;
  }
  const { items, error, asked_at } = alerts;
  const loud = items.filter(({ state }) => state !== 'inactive');
  return html`
    ${error === null ? nothing : html`<p class="warning">${error}</p>`}
    <p class="faint">Asked ${formatInstant(asked_at, zone)}: ${items.length} ${items.length === 1 ? 'rule' : 'rules'}, ${loud.length} not quiet.</p>
    ${
      loud.length === 0
        ? nothing
        : html`<div class="scroll" role="region" tabindex="0" aria-label="Alerts">
            <table>
              <thead><tr><th scope="col">Alert</th><th scope="col">State</th><th scope="col">Since</th><th scope="col">What it says</th><th scope="col">Runbook</th></tr></thead>
              <tbody>${loud.map(
                ({ name, state, severity, since, summary, runbook }) => html`<tr>
                  <td>${name}</td>
                  <td>${stateSign(state)}${severity === null ? nothing : html` <span class="tag">${severity}</span>`}</td>
                  <td class="when">${since === null ? nothing : formatInstant(since, zone)}</td>
                  <td>${summary ?? nothing}</td>
                  <td>${runbookLink(runbook)}</td>
                </tr>`,
              )}</tbody>
            </table>
          </div>`
    }`;
}

/** A page of the web, or a runbook of ours, which the server shows; anything else is no link, for it comes from somebody's rules. */
function runbookLink(runbook: string | null, words = 'runbook'): TemplateResult | typeof nothing {
  if (runbook === null) return nothing;
  const own = /^docs\/runbooks\/([\w-]+)\.md$/.exec(runbook)?.[1];
  if (own !== undefined)
    return html`<a href=${`/console/runbooks/${own}`} target="_blank" rel="noopener">${words}</a>`;
  return /^https?:\/\//.test(runbook)
    ? html`<a href=${runbook} target="_blank" rel="noopener noreferrer">${words}</a>`
    : html`<code>${runbook}</code>`;
}
