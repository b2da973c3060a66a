import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import {
  expectAccessible,
  expectFits,
  faults,
  hasBrowser,
  shoot,
  signIn,
  useBrowser,
  widths,
} from './browser.ts';
import { useConsoleHouse } from './house.ts';

describe.skipIf(!hasBrowser)('the way in', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();

  it.each(['light', 'dark'] as const)(
    'says what this is and where a key comes from, at every width, %s',
    async (colorScheme) => {
      const page = await browser.open({ colorScheme });
      await page.goto(`${house.url}/console`);
      await page.getByRole('heading', { name: 'Sign in to Quartermaster' }).waitFor();
      await page.getByText('quartermaster keys create').waitFor();
      expect(await page.title()).toBe('Sign in · Quartermaster');
      for (const [name, width] of Object.entries(widths)) {
        await page.setViewportSize({ width, height: 900 });
        await expectFits(page);
        await expectAccessible(page);
        // The ring around the field, which has the focus, is 3 px wide and 2 px off it: the words below keep clear of it.
        const [field, hint] = [
          await page.locator('#key').boundingBox(),
          await page.locator('#key-hint').boundingBox(),
        ];
        expect(hint?.y).toBeGreaterThan((field?.y ?? 0) + (field?.height ?? 0) + 5);
        const box = await page.locator('.about').boundingBox();
        const pre = await page.locator('.about pre').boundingBox();
        expect((pre?.x ?? 0) + (pre?.width ?? 0)).toBeLessThanOrEqual((box?.x ?? 0) + (box?.width ?? 0));
        await shoot(page, `sign-in-${name}-${colorScheme}`);
      }
      expect(faults).toEqual([]);
    },
  );

  it('shows who one is and what one may do, and ends with signing out', async () => {
    const page = await browser.open();
    await signIn(page, `${house.url}/console`, await house.key('ada', ['finance', 'reader']));
    await page.getByText('may move quarters and look in all ledgers').waitFor();
    await page.getByText('Times are those of UTC').waitFor();
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      name: expect.stringMatching(/^qm_session_\d+$/),
    });
    for (const [name, width] of Object.entries(widths)) {
      await page.setViewportSize({ width, height: 900 });
      await expectFits(page);
      await expectAccessible(page);
      await shoot(page, `frame-${name}`);
    }
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    expect(await page.context().cookies()).toEqual([]);
    // What the browser still had of it opens nothing either.
    await page.context().addCookies([cookie as NonNullable<typeof cookie>]);
    await page.reload();
    await page.getByLabel('Key', { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('is done with the keyboard alone', async () => {
    const page = await browser.open();
    const key = await house.key('kim', ['admin']);
    await page.goto(`${house.url}/console/health`);
    await page.getByLabel('Key', { exact: true }).waitFor();
    await page.keyboard.type(key);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Health' }).waitFor();
    // The heading has the focus, so that whoever hears the page begins there; the tab before it is the frame's.
    await focused(page, 'H1', 'Health');
    await page.reload();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await page.keyboard.press('Tab');
    await focused(page, 'A', 'Skip to the content');
    await page.keyboard.press('Enter');
    await focused(page, 'MAIN', '');
    await page.reload();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    for (const name of ['Skip to the content', 'Quartermaster', 'Quarters', 'Ledger']) {
      await page.keyboard.press('Tab');
      await focused(page, 'A', name);
    }
    await page.keyboard.press('Enter');
    // It may have gone on to the first ledger by then.
    await page.waitForURL(/\/console\/ledger(\/|$)/);
    await page.locator('main h1:focus').waitFor();
    expect(await page.title()).toMatch(/ · Quartermaster$/);
    expect(await page.locator('[aria-live=polite]').first().textContent()).toBe('Ledger');
    await page.goBack();
    await page.waitForURL(/\/console\/health$/);
    await page.locator('main h1:focus').waitFor();
    expect(faults).toEqual([]);
  });

  it('refuses a wrong key with a sentence, and after ten says how long to wait', async () => {
    // An address of its own, so that it keeps nobody else out.
    const page = await browser.open({ extraHTTPHeaders: { 'x-forwarded-for': '203.0.113.77' } });
    await page.goto(`${house.url}/console`);
    const input = page.getByLabel('Key', { exact: true });
    await input.fill('qm_no');
    await page.keyboard.press('Enter');
    await page.getByText('This key does not open anything.').waitFor();
    await focused(page, 'INPUT', '');
    expect(await input.getAttribute('aria-invalid')).toBe('true');
    await expectAccessible(page);
    await shoot(page, 'sign-in-refused');
    for (let i = 0; i < 9; i++) {
      const answer = page.waitForResponse((response) => response.request().method() === 'POST');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await answer;
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
    }
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Too many keys were no good.').waitFor();
    const waiting = page.getByRole('button', { name: /Wait \d+ s/ });
    await waiting.waitFor();
    expect(await waiting.isDisabled()).toBe(true);
    await shoot(page, 'sign-in-wait');
    expect(faults).toEqual([]);
  });

  it('takes a key as it was printed, with the name of its variable', async () => {
    const page = await browser.open();
    await signIn(page, `${house.url}/console`, ` KEY=${await house.key('copied', ['reader'])}`);
    await page.getByText('copied', { exact: true }).waitFor();
  });

  it('takes no key over plain HTTP from another machine, and says so before one is typed', async () => {
    const page = await browser.open();
    // What the browser is told of the address is all that differs, and there is no second machine here.
    await page.addInitScript('Object.defineProperty(window, "isSecureContext", { value: false })');
    await page.goto(`${house.url}/console`);
    await page.getByText('Do not type a key here.').waitFor();
    expect(await page.getByLabel('Key', { exact: true }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Sign in' }).isDisabled()).toBe(true);
    await expectAccessible(page);
    await shoot(page, 'sign-in-insecure');
  });

  it('says so when the browser keeps no session', async () => {
    const page = await browser.open();
    // As the server answers a browser that brings no cookie, whatever was set.
    const problem = { type: 'x', title: 'x', status: 401, code: 'missing_token', detail: 'x', instance: 'x' };
    await page.route('**/v1/session', (route) =>
      route.request().method() === 'GET'
        ? route.fulfill({
            status: 401,
            contentType: 'application/problem+json',
            body: JSON.stringify(problem),
          })
        : route.fallback(),
    );
    await page.goto(`${house.url}/console`);
    await page.getByLabel('Key', { exact: true }).fill(await house.key('no cookies', ['reader']));
    await page.keyboard.press('Enter');
    await page.getByText('the browser did not keep the session').waitFor();
    await expectAccessible(page);
  });
});

async function focused(page: Page, tag: string, text: string): Promise<void> {
  const at = await page.evaluate(() => {
    const { activeElement } = (
      globalThis as unknown as { document: { activeElement: { tagName: string; textContent: string } } }
    ).document;
    return { tag: activeElement.tagName, text: activeElement.textContent.trim() };
  });
  if (tag === 'MAIN' || tag === 'INPUT') expect(at.tag).toBe(tag);
  else expect(at).toEqual({ tag, text });
}
