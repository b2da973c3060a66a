import { html, nothing, type TemplateResult } from 'lit-html';
import { now } from '../clock.ts';
import { readCharts } from '../ledger/chart-data.ts';
import { chartForm } from '../ledger/chart-form.ts';
import { chartAddress, readChartQuery } from '../ledger/chart-query.ts';
import { chartsOf } from '../ledger/charts.ts';
import { loadCurrencies } from '../ledger/currencies.ts';
import { dayOf } from '../ledger/days.ts';
import { faultsOf } from '../ledger/faults.ts';
import { frame } from '../ledger/frame.ts';
import { load } from '../ledger/load.ts';
import { formatDate } from '../ledger/when.ts';
import { problem } from '../problem.ts';
import type { CreateView } from '../view.ts';

const fields = ['from', 'to', 'group_by', 'currency', 'status', 'user_id'];

/** How much happened, from the summaries, which stay when a quarter leaves. */
export const createCharts: CreateView = (context) => {
  const { about, parameters, go, update } = context;
  const { ledger = '' } = parameters;
  const at = now();
  const today = dayOf(at, about.zone);
  const query = readChartQuery(context.query, today);
  const drawn = load(context, async () => {
    const data = await readCharts(context, ledger, query);
    return { data, figures: chartsOf(about, ledger, query, data, update) };
  });

  const currencies = loadCurrencies(context, ledger, at);

  function charts(): TemplateResult {
    if (drawn.error !== undefined) {
      return faultsOf(drawn.error, fields).size > 0
        ? html`<p class="problem" role="alert">Nothing was drawn: a field above is not right.</p>`
        : problem(drawn.error);
    }
    if (drawn.value === undefined) return html`<p class="waiting" role="status">Reading the summaries …</p>`;
    const { data, figures } = drawn.value;
    if (data.lines.length === 0) {
      return html`<div class="card" role="status"><h2>Nothing on these days</h2>
        <p>${ledger} has nothing of this kind from ${formatDate(query.from)} to ${formatDate(query.to)}. Choose other days, or fewer filters.</p>
        <p><a href=${chartAddress(ledger)}>The last twelve months, everything</a></p></div>`;
    }
    return html`
      ${
        data.archived.length === 0
          ? nothing
          : html`<p class="archived">Archived, and read from the summaries, which stay:
              ${data.archived.map((quarter) => html`<a href=${`/console/quarters/${quarter}`}>${quarter}</a> `)}</p>`
      }
      ${
        data.stale.length === 0
          ? nothing
          : html`<p class="warning" role="status">More was booked than could be counted on
              ${data.stale.map(formatDate).join(', ')}: these days show too little until they are summed up, which happens by itself.</p>`
      }
      <div class="charts">${figures.map((figure) => figure())}</div>`;
  }

  return {
    title: () => `Charts of ${ledger}`,
    render: () =>
      frame({
        context,
        ledger,
        part: 'charts',
        heading: 'Charts',
        elsewhere: (other) => {
          const { user_id: _, currency: __, ...rest } = query;
          return chartAddress(other, rest);
        },
        body: html`${chartForm({ about, ledger, query, today, faults: faultsOf(drawn.error, fields), currencies: currencies.value, onShow: (address) => go(address) })}
          <section aria-label="Charts" aria-busy=${drawn.pending ? 'true' : 'false'}>${charts()}</section>`,
      }),
  };
};
