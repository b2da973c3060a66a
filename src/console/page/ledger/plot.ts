import type uPlot from 'uplot';

/** How a series looks: what is booked as bars, what failed as a line with points, so that shape tells them apart too. */
export interface PlotSeries {
  readonly look: 'booked' | 'failed';
  /** Rounded to what a float holds: for the eye, which sees no more. */
  readonly values: readonly number[];
}

export interface PlotOptions {
  /** First instants of the periods, as seconds since 1970 were the zone UTC: days have no zone. */
  readonly xs: readonly number[];
  /** Where the last period ends. */
  readonly end: number;
  readonly series: readonly PlotSeries[];
  /** Shaded: from and to in the same seconds. */
  readonly shaded: readonly { readonly from: number; readonly to: number }[];
  /** Marked with a dashed line: indices of periods. */
  readonly marked: readonly number[];
  /** Which period the pointer is at. */
  onPoint(index: number | undefined): void;
}

const HEIGHT = 260;

/** Draws into an element until it is taken away. The library is fetched when the first plot is drawn, and its style with it. */
export function createPlot(options: PlotOptions): { mount(element: Element | undefined): void } {
  let leave = new AbortController();
  return {
    mount(element) {
      leave.abort();
      leave = new AbortController();
      if (element !== undefined) void draw(element as HTMLElement, options, leave.signal).catch(reportError);
    },
  };
}

async function draw(box: HTMLElement, options: PlotOptions, signal: AbortSignal): Promise<void> {
  await linkStyle();
  const { default: Plot } = await import('uplot');
  if (signal.aborted) return;
  const scheme = window.matchMedia('(prefers-color-scheme: dark)');
  const data = [
    middlesOf(options),
    ...options.series.map(({ values }) => values),
  ] as unknown as uPlot.AlignedData;
  let plot: uPlot | undefined;
  // Colours are written into the canvas, so another scheme is another drawing.
  const make = () => {
    plot?.destroy();
    const width = Math.max(200, box.clientWidth);
    plot = new Plot(settings(Plot, box, options, width), data, box);
  };
  make();
  scheme.addEventListener('change', make, { signal });
  const size = new ResizeObserver(() =>
    plot?.setSize({ width: Math.max(200, box.clientWidth), height: HEIGHT }),
  );
  size.observe(box);
  signal.addEventListener('abort', () => {
    size.disconnect();
    plot?.destroy();
  });
}

function settings(Plot: typeof uPlot, box: HTMLElement, options: PlotOptions, width: number): uPlot.Options {
  const colours = coloursIn(box);
  const { xs, end, series, shaded, marked, onPoint } = options;
  const axis = {
    stroke: colours.faint,
    font: '12px system-ui, sans-serif',
    grid: { stroke: colours.line, width: 1 },
    ticks: { stroke: colours.line, width: 1 },
  };
  const compact = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 });
  const bars = Plot.paths.bars?.({ size: [0.85, 120], align: 0 });
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false },
    // Days are days: what zone the browser is in must not move them.
    tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: {
      x: { range: [xs[0] ?? 0, end] },
      y: { range: (_, __, highest) => [0, highest > 0 ? highest * 1.08 : 1] },
    },
    axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => compact.format(tick)) }],
    series: [
      {},
      ...series.map(({ look }) =>
        look === 'booked'
          ? {
              fill: colours.accent,
              stroke: colours.accent,
              width: 0,
              points: { show: false },
              ...(bars && { paths: bars }),
            }
          : {
              stroke: colours.bad,
              width: 2,
              points: { show: xs.length <= 120, size: 6, fill: colours.card },
            },
      ),
    ],
    hooks: {
      drawClear: [(plot) => shade(plot, shaded, colours.raised, colours.edge)],
      draw: [
        (plot) =>
          mark(
            plot,
            marked.map((index) => middlesOf(options)[index] ?? 0),
            colours.warn,
          ),
      ],
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? undefined)],
    },
  };
}

/** The middle of each period: there a bar stands and a point lies. */
function middlesOf({ xs, end }: PlotOptions): number[] {
  return xs.map((start, index) => (start + (xs[index + 1] ?? end)) / 2);
}

/** Behind everything, with a line at its top, for a shade alone is easily overlooked. */
function shade(plot: uPlot, spans: PlotOptions['shaded'], fill: string, line: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const { from, to } of spans) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    if (right <= left) continue;
    ctx.fillStyle = fill;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.fillStyle = line;
    ctx.fillRect(left, bbox.top, right - left, 3);
  }
  ctx.restore();
}

function mark(plot: uPlot, xs: readonly number[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.setLineDash([6, 4]);
  ctx.lineWidth = 2;
  for (const x of xs) {
    const at = plot.valToPos(x, 'x', true);
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

type Colours = Readonly<
  Record<'accent' | 'bad' | 'card' | 'edge' | 'faint' | 'line' | 'raised' | 'warn', string>
>;

/** What the tokens of the look come to here and now: a canvas knows no `light-dark()`. */
function coloursIn(box: HTMLElement): Colours {
  const probe = document.createElement('span');
  box.append(probe);
  const read = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    accent: read('accent'),
    bad: read('bad'),
    card: read('card'),
    edge: read('edge'),
    faint: read('faint'),
    line: read('line'),
    raised: read('raised'),
    warn: read('warn'),
  };
  probe.remove();
  return colours;
}

/** The library's own style lies beside it, and is linked where a plot is drawn and nowhere else. */
async function linkStyle(): Promise<void> {
  const { href } = new URL('./uplot.css', import.meta.url);
  if (document.querySelector(`link[href="${href}"]`) !== null) return;
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = href;
  const loaded = new Promise((resolve, reject) => {
    link.addEventListener('load', resolve, { once: true });
    link.addEventListener('error', reject, { once: true });
  });
  document.head.append(link);
  await loaded;
}
