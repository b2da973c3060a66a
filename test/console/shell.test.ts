import { describe, expect, it } from 'vitest';
import { expectAccessible, faults, hasBrowser, shoot, useBrowser } from './browser.ts';
import { useConsoleHouse } from './house.ts';

describe.skipIf(!hasBrowser)('the page', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();

  it('opens for who brings a key, and says whose time it shows', async () => {
    const key = await house.key('finn', ['finance']);
    const page = await browser.open({ extraHTTPHeaders: { authorization: `Bearer ${key}` } });
    await page.goto(`${house.url}/console`);
    await page.getByText('Times are those of UTC').waitFor();
    await expectAccessible(page);
    await shoot(page, 'shell');
    expect(faults).toEqual([]);
  });
});
