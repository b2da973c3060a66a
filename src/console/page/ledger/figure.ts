import { html, nothing, type TemplateResult } from 'lit-html';
import { ref } from 'lit-html/directives/ref.js';
import { copyButton } from './copy.ts';
import { toCsv } from './csv.ts';
import { createPlot, type PlotOptions } from './plot.ts';

/** A column of the table below a chart. */
export interface FigureColumn {
  readonly name: string;
  /** For people. */
  readonly shown: readonly string[];
  /** For programs. */
  readonly plain: readonly string[];
  readonly total: { readonly shown: string };
}

export interface FigureOptions {
  readonly title: string;
  /** What the chart says in a sentence, for who does not see it. */
  readonly summary: string;
  /** What the first column is called and holds: the names of periods. */
  readonly period: string;
  readonly names: readonly string[];
  /** Beside the name of a period, where there is something to know of it. */
  readonly remarks: ReadonlyMap<number, string>;
  readonly columns: readonly FigureColumn[];
  readonly plot: Omit<PlotOptions, 'onPoint'>;
  /** Of the file that is offered. */
  readonly fileName: string;
  update(): void;
}

/** A chart with its caption, and the same numbers as a table to be read, copied and saved. */
export function createFigure(options: FigureOptions): () => TemplateResult {
  const { title, summary, period, names, remarks, columns, fileName, update } = options;
  let open = false;
  let readout: Element | undefined;
  /** Of the file that is offered; made when the numbers are opened, and forgotten with the chart. */
  let file: string | undefined;

  const plot = createPlot({
    ...options.plot,
    onPoint(index) {
      if (readout === undefined) return;
      readout.textContent =
        index === undefined
          ? ''
          : [names[index], ...columns.map(({ name, shown }) => `${name} ${shown[index]}`)].join(' · ');
    },
  });
  // The same functions at every drawing, or each would count as another element.
  const onPlot = (element: Element | undefined) => {
    plot.mount(element);
    if (element !== undefined || file === undefined) return;
    URL.revokeObjectURL(file);
    file = undefined;
  };
  const onReadout = (element: Element | undefined) => {
    readout = element;
  };

  const csv = () =>
    toCsv([
      [period, ...columns.map(({ name }) => name)],
      ...names.map((name, index) => [name, ...columns.map(({ plain }) => plain[index] ?? '')]),
    ]);

  function table(): TemplateResult {
    file ??= URL.createObjectURL(new Blob([csv()], { type: 'text/csv' }));
    return html`<p class="row numbers-tools">${copyButton(csv, 'Copy as CSV')}
        <a href=${file} download=${fileName}>Save as CSV</a></p>
      <div class="scroll numbers" role="region" tabindex="0" aria-label=${`${title}: numbers`}>
        <table>
          <caption>${title}</caption>
          <thead><tr>
            <th scope="col">${period}</th>
            ${columns.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}
          </tr></thead>
          <tbody>${names.map(
            (name, index) => html`<tr>
              <th scope="row">${name}${remarks.has(index) ? html` <span class="tag">${remarks.get(index)}</span>` : nothing}</th>
              ${columns.map(({ shown }) => html`<td class="number">${shown[index]}</td>`)}
            </tr>`,
          )}</tbody>
          <tfoot><tr>
            <th scope="row">Total</th>
            ${columns.map(({ total }) => html`<td class="number">${total.shown}</td>`)}
          </tr></tfoot>
        </table>
      </div>`;
  }

  return () => html`<figure class="card chart">
    <figcaption><h2>${title}</h2>
      <p class="chart-legend">${columns.map(({ name }, index) => html`<span class="key ${options.plot.series[index]?.look ?? ''}">${name}</span>`)}
        ${options.plot.shaded.length === 0 ? nothing : html`<span class="key shade">Archived</span>`}
        ${options.plot.marked.length === 0 ? nothing : html`<span class="key stale">Not all summed up</span>`}</p>
    </figcaption>
    <div class="canvas" role="img" aria-label=${summary} ${ref(onPlot)}></div>
    <p class="readout" ${ref(onReadout)}></p>
    <details .open=${open} @toggle=${(event: Event) => {
      const now = (event.target as HTMLDetailsElement).open;
      if (now === open) return;
      open = now;
      update();
    }}>
      <summary>Numbers</summary>
      ${open ? table() : nothing}
    </details>
  </figure>`;
}
