import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createOpening } from '../../src/main/opening.ts';
import { createReadinessWatch } from '../../src/main/readiness-watch.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { samplesIn } from '../platform/metrics-samples.ts';
import { createDatabase } from '../support/database.ts';
import { openStallingProxy } from '../support/stalling-proxy.ts';

/** A process that nobody asks whether it is ready, before a database that is there. */
async function openWatch({ isOpen = () => true }: { isOpen?: () => boolean } = {}) {
  const test = await createDatabase();
  onTestFinished(() => test.drop());
  const proxy = await openStallingProxy(test.url);
  const config = readConfig({ QM_DATABASE_URL: proxy.url });
  const signal = new AbortController().signal;
  const opening = createOpening({ config, logger: createLogger('silent'), signal });
  const metrics = createMetrics();
  const checks = opening.checks(async () => {});
  const watch = createReadinessWatch({ process: 'api', metrics, checks, isOpen, everyMs: 20 });
  const told = async () => samplesIn(await metrics.page.render())['ready{process="api"}'];
  const tells = (value: number) =>
    vi.waitFor(async () => expect(await told()).toBe(value), { timeout: 30_000, interval: 20 });
  onTestFinished(async () => {
    watch.stop();
    await proxy.close().catch(() => {});
    await opening.close();
  });
  return { proxy, watch, told, tells };
}

describe('the gauge of readiness', () => {
  it('is 0 before the first look, 1 after it, and 0 from a stop on, whatever a prober is told later', async () => {
    const { watch, told, tells } = await openWatch();
    expect(await told()).toBe(0);
    watch.start();
    await tells(1);
    watch.stop();
    expect(await told()).toBe(0);
    watch.onLook(true);
    expect(await told()).toBe(0);
  });

  it('falls by itself when the server hangs', async () => {
    const { proxy, watch, tells } = await openWatch();
    watch.start();
    await tells(1);
    proxy.stall();
    await tells(0);
  });

  it('falls by itself when the server is gone', async () => {
    const { proxy, watch, tells } = await openWatch();
    watch.start();
    await tells(1);
    await proxy.close();
    await tells(0);
  });

  it('follows what a prober was told between its own looks', async () => {
    const { watch, told } = await openWatch();
    watch.onLook(true);
    expect(await told()).toBe(1);
    watch.onLook(false);
    expect(await told()).toBe(0);
  });

  it('stays 0 while the process waits for its database to be the right one', async () => {
    let open = false;
    const { watch, told, tells } = await openWatch({ isOpen: () => open });
    watch.start();
    watch.onLook(true);
    expect(await told()).toBe(0);
    open = true;
    await tells(1);
  });
});
