import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { readAssets } from '../../src/console/assets.ts';
import { expectAccessible, expectFits, faults, hasBrowser, shoot, signIn, useBrowser } from './browser.ts';
import { useConsoleHouse } from './house.ts';

/** As lit-html's own makes it: the page has its copy to itself. */
const HTML = "const html = (strings, ...values) => ({ ['_$litType$']: 1, strings, values });";

describe.skipIf(!hasBrowser)('the frame', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();
  let key = '';
  beforeAll(async () => {
    key = await house.key('ada', ['admin']);
  });

  /** Puts a view of the test in the place of the one of health. */
  async function replaceHealth(page: Page, body: string): Promise<void> {
    await page.route(/\/health-\w+\.js$/, (route) =>
      route.fulfill({ contentType: 'text/javascript', body: `${HTML}\n${body}` }),
    );
  }

  it.each([
    ['while it is made', `export const createHealth = () => { throw new Error('made badly'); };`],
    [
      'while it is drawn',
      `export const createHealth = () => ({ title: () => 'Health', render: () => { throw new Error('made badly'); } });`,
    ],
    [
      'when it is drawn again, half way',
      `export const createHealth = ({ update }) => {
         let bad = false;
         setTimeout(() => { bad = true; update(); });
         const later = () => { throw new Error('made badly'); };
         return { title: () => 'Health', render: () => html\`<h1>Health</h1><p>\${bad ? later() : 'good'}</p>\` };
       };`,
    ],
    ['because it cannot be had', `import '/console/assets/none/none.js'; export const createHealth = 1;`],
  ])('stands when a view throws %s, and says what to name to whom', async (_when, body) => {
    const page = await browser.open();
    await replaceHealth(page, body);
    await signIn(page, `${house.url}/console`, key);
    await page.getByRole('link', { name: 'Health' }).click();
    await page.getByRole('heading', { name: 'This view failed' }).waitFor();
    await page.getByText(/The last request was [\w-]{36}/).waitFor();
    expect(await page.title()).toBe('This view failed · Quartermaster');
    await expectAccessible(page);
    await shoot(page, 'failure');
    // The rest of the page goes on.
    await page.getByRole('link', { name: 'Quarters', exact: true }).click();
    await page.getByRole('heading', { name: 'Quarters', level: 1 }).waitFor();
    expect(await page.getByText('This view failed').count()).toBe(0);
    // What was broken on purpose was complained of.
    expect(faults.splice(0)).not.toEqual([]);
  });

  it('shows what a view asked for, was refused and did not catch, with its code and the request', async () => {
    const page = await browser.open();
    await replaceHealth(
      page,
      `export const createHealth = ({ api }) => {
         api.GET('/v1/quarters/{quarter}', { params: { path: { quarter: '1026q1' } } });
         return { title: () => 'Health', render: () => html\`<h1>Health</h1>\` };
       };`,
    );
    await signIn(page, `${house.url}/console/health`, key);
    await page.getByText('no_such_quarter').waitFor();
    await page
      .getByText(/request [\w-]{36}/)
      .first()
      .waitFor();
    expect(faults).toEqual([]);
  });

  it('says with what it asks by itself that nobody is there, until somebody is', async () => {
    const page = await browser.open();
    await page.clock.install();
    await signIn(page, `${house.url}/console/health`, key);
    const asked = (unattended: boolean) =>
      page.waitForRequest(
        (request) =>
          request.url().endsWith('/v1/operation') &&
          request.headers()['x-unattended'] === (unattended ? 'true' : undefined),
      );
    await asked(false);
    const alone = asked(true);
    await page.clock.fastForward(31_000);
    await alone;
    const used = asked(false);
    await page.keyboard.press('Shift');
    await used;
    expect(faults).toEqual([]);
  });

  it('asks for the key again when the session ends in the middle of work, and goes on at the same address', async () => {
    const page = await browser.open();
    await replaceHealth(
      page,
      `export const createHealth = ({ api, update, query }) => {
         const ask = async () => { await api.GET('/v1/about'); update(); };
         return { title: () => 'Health', render: () => html\`<h1>Health of \${query.get('of')}</h1><button @click=\${ask}>Ask</button>\` };
       };`,
    );
    await signIn(page, `${house.url}/console/health?of=all`, key);
    await page.getByRole('heading', { name: 'Health of all' }).waitFor();
    await page.context().clearCookies();
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.getByText('Your session has ended.').waitFor();
    await expectAccessible(page);
    await shoot(page, 'session-ended');
    await page.getByLabel('Key', { exact: true }).fill(key);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Health of all' }).waitFor();
    await page.locator('main h1:focus').waitFor();
    expect(page.url()).toMatch(/\/console\/health\?of=all$/);
    expect(faults).toEqual([]);
  });

  it('goes on with the new session when somebody signs in anew in another tab', async () => {
    const page = await browser.open();
    await replaceHealth(
      page,
      `export const createHealth = ({ api, update }) => {
         let said = '';
         const add = async () => {
           try { await api.POST('/v1/ledgers', { body: { name: 'tabs' } }); said = 'added'; } catch ({ code }) { said = code; }
           update();
         };
         return { title: () => 'Health', render: () => html\`<h1>Health</h1><button @click=\${add}>Add</button><output>\${said}</output>\` };
       };`,
    );
    await signIn(page, `${house.url}/console/health`, key);
    const other = await page.context().newPage();
    await other.goto(`${house.url}/console`);
    await other.getByRole('button', { name: 'Sign out' }).click();
    await signIn(other, `${house.url}/console`, await house.key('grace', ['admin']));
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('csrf_token_wrong').waitFor();
    await page.getByText('grace', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByText('added').waitFor();
    expect(faults).toEqual([]);
  });

  it('waits for a service that starts, and goes on by itself', async () => {
    const page = await browser.open();
    let starting = true;
    await page.route('**/v1/**', (route) => {
      if (!starting) return route.fallback();
      const problem = {
        type: 'x',
        title: 'Starting',
        status: 503,
        code: 'starting',
        detail: 'It starts.',
        instance: 'x',
      };
      return route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: JSON.stringify(problem),
      });
    });
    await page.goto(`${house.url}/console`);
    await page.getByRole('heading', { name: 'Quartermaster is starting' }).waitFor();
    await expectAccessible(page);
    await expectFits(page);
    await shoot(page, 'starting');
    starting = false;
    await page.getByLabel('Key', { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('comes back to where one was on a long page, and begins a new one at its top', async () => {
    const page = await browser.open();
    await replaceHealth(
      page,
      `export const createHealth = ({ update }) => {
         let lines = [];
         setTimeout(() => { lines = Array.from({ length: 300 }, (_, i) => i); update(); }, 50);
         return { title: () => 'Health', render: () => html\`<h1>Health</h1>\${lines.map((i) => html\`<p>\${i}</p>\`)}\` };
       };`,
    );
    await signIn(page, `${house.url}/console/health`, key);
    await page.getByText('299', { exact: true }).scrollIntoViewIfNeeded();
    const y = () => page.evaluate('scrollY') as Promise<number>;
    const far = await y();
    expect(far).toBeGreaterThan(1000);
    await page.evaluate(`document.querySelector('nav a').click()`);
    await page.getByRole('heading', { name: 'Quarters', level: 1 }).waitFor();
    expect(await y()).toBe(0);
    await page.goBack();
    await expect.poll(y).toBe(far);
    await page.goForward();
    await page.getByRole('heading', { name: 'Quarters', level: 1 }).waitFor();
    expect(faults).toEqual([]);
  });

  it('fetches a view when somebody goes there, and no sooner', async () => {
    const page = await browser.open();
    const fetched: string[] = [];
    page.on('response', (response) => fetched.push(response.url()));
    await signIn(page, `${house.url}/console`, key);
    const views = () => fetched.flatMap((url) => /\/([a-z]+)-\w+\.js$/.exec(url)?.[1] ?? []);
    expect(views()).toContain('quarters');
    for (const other of ['health', 'charts', 'transactions']) expect(views()).not.toContain(other);
    await page.getByRole('link', { name: 'Health' }).click();
    await page.getByRole('heading', { name: 'Health' }).waitFor();
    expect(views()).toContain('health');
    expect((await readAssets()).files.size).toBeGreaterThan(new Set(fetched).size);
  });
});
