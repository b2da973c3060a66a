/** What is known of a metric before anything is measured: enough for its page, for `docs/metrics.md` and for the types. */
export interface MetricSpec {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** One sentence for whoever reads the page of metrics. */
  readonly help: string;
  /** The question of somebody on duty that it answers. */
  readonly question: string;
  readonly labels: readonly string[];
  /** Upper bounds, in the unit of the name; of histograms alone. */
  readonly buckets?: readonly number[];
}

/** Milliseconds to a minute, for what somebody waits for. */
export const WAITS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** Tenths of a second to a day, for what runs in the background. */
export const RUNS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400] as const;

export function counter<const L extends readonly string[]>(help: string, question: string, labels: L) {
  return { kind: 'counter', help, question, labels } as const;
}

export function gauge<const L extends readonly string[]>(help: string, question: string, labels: L) {
  return { kind: 'gauge', help, question, labels } as const;
}

export function histogram<const L extends readonly string[]>(
  help: string,
  question: string,
  labels: L,
  buckets: readonly number[],
) {
  return { kind: 'histogram', help, question, labels, buckets } as const;
}
