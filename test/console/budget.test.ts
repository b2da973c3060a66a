import { describe, expect, it } from 'vitest';
import { nextName } from '../../src/core/quarter.ts';
import { readQuarters } from '../../src/quarters/registry.ts';
import { createQuarters } from '../quarters/create-as.ts';
import { faults, hasBrowser, signIn, useBrowser } from './browser.ts';
import { useConsoleHouse } from './house.ts';

/** Bytes of the first view of somebody who is signed in, with nothing in the browser's cache. */
const BUDGET = 150_000;
const QUARTERS = 60;

describe.skipIf(!hasBrowser)('the first view', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();

  it(`takes less than ${BUDGET / 1000} KB with ${QUARTERS} quarters, all that it shows included`, async () => {
    const before = await readQuarters(house.database.write);
    const first = before[0]?.quarter ?? '';
    const [from, to] = [nextName(first, before.length - QUARTERS), nextName(first, -1)];
    await createQuarters(house.environment.QM_DATABASE_URL ?? '', from, to);

    const signedIn = await browser.open();
    await signIn(signedIn, `${house.url}/console`, await house.key('ada', ['admin', 'finance']));
    // Another page of the same person, that has fetched nothing yet.
    const page = await browser.open({ storageState: await signedIn.context().storageState() });
    const debug = await page.context().newCDPSession(page);
    await debug.send('Network.enable');
    const names = new Map<string, string>();
    const sizes = new Map<string, { sent: number; whole: number }>();
    debug.on('Network.responseReceived', ({ requestId, response }) => names.set(requestId, response.url));
    debug.on('Network.dataReceived', ({ requestId, dataLength }) => {
      const size = sizes.get(requestId) ?? { sent: 0, whole: 0 };
      sizes.set(requestId, { ...size, whole: size.whole + dataLength });
    });
    debug.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const size = sizes.get(requestId) ?? { sent: 0, whole: 0 };
      sizes.set(requestId, { ...size, sent: encodedDataLength });
    });
    await page.goto(`${house.url}/console`);
    await page.locator(`main a[href$="/quarters/${from}"]`).first().waitFor();
    await page.waitForLoadState('networkidle');

    const rows = [...sizes].map(([id, size]) => ({ name: names.get(id) ?? '', ...size }));
    const sum = (of: 'sent' | 'whole') => rows.reduce((total, row) => total + row[of], 0);
    const told = rows
      .toSorted((a, b) => b.sent - a.sent)
      .map(({ name, sent, whole }) => `${sent} of ${whole} ${name.replace(house.url, '')}`)
      .join('\n');
    expect(rows.length).toBeGreaterThan(8);
    // Some answers are not text that was made smaller on the way.
    expect(sum('whole')).toBeGreaterThan(sum('sent'));
    expect(sum('whole'), told).toBeLessThan(BUDGET);
    expect(faults).toEqual([]);
  });
});
