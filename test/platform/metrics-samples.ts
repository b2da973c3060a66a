import type { MetricsPage } from '../../src/platform/metrics.ts';

/** The samples of a page by name and labels, without the prefix; those of the process and of Node are left out. */
export async function samplesOf(page: Pick<MetricsPage, 'render'>): Promise<Record<string, number>> {
  return samplesIn(await page.render());
}

export function samplesIn(text: string): Record<string, number> {
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('quartermaster_') && !/^quartermaster_(process|nodejs)_/.test(line));
  return Object.fromEntries(
    lines.map((line) => [
      line.replace(/ \S+$/, '').replace('quartermaster_', ''),
      Number(/\S+$/.exec(line)?.[0]),
    ]),
  );
}

/** Those of one metric that are not 0, its buckets left out. */
export async function countsOf(
  page: Pick<MetricsPage, 'render'>,
  metric: string,
): Promise<Record<string, number>> {
  const found = Object.entries(await samplesOf(page)).filter(
    ([name, value]) => name.startsWith(metric) && value !== 0 && !/_bucket|_sum/.test(name),
  );
  return Object.fromEntries(found.map(([name, value]) => [name.slice(metric.length), value]));
}
