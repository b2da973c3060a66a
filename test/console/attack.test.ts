import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faults, hasBrowser, signIn, useBrowser } from './browser.ts';
import { useConsoleHouse } from './house.ts';

/** What a page of somebody else's tries with whoever is signed in: every way in which a browser sends a cookie along. */
const attempts: Readonly<Record<string, (url: string, key: string) => string>> = {
  'a form': (url) => `
    <form method="post" action="${url}/v1/ledgers" enctype="text/plain"><input name='{"name":"evil","x":"' value='"}'></form>
    <script>document.forms[0].submit()</script>`,
  'a form that signs in as somebody else': (url, key) => `
    <form method="post" action="${url}/v1/session" enctype="text/plain"><input name='{"key":"${key}","x":"' value='"}'></form>
    <script>document.forms[0].submit()</script>`,
  'a request without a preflight': (url) => `
    <script>fetch('${url}/v1/ledgers', { method: 'POST', mode: 'no-cors', credentials: 'include',
      headers: { 'content-type': 'text/plain' }, body: '{"name":"evil"}' }).finally(() => { document.title = 'done' })</script>`,
  'a request with a preflight': (url) => `
    <script>fetch('${url}/v1/ledgers', { method: 'POST', credentials: 'include',
      headers: { 'content-type': 'application/json', 'x-csrf-token': 'x' }, body: '{"name":"evil"}' }).finally(() => { document.title = 'done' })</script>`,
  'a beacon': (url) => `
    <script>navigator.sendBeacon('${url}/v1/ledgers', '{"name":"evil"}'); setTimeout(() => { document.title = 'done' }, 300)</script>`,
  'reading the token': (url) => `
    <script>fetch('${url}/v1/session', { credentials: 'include' }).then((answer) => answer.json()).then(
      ({ csrf_token }) => { document.title = csrf_token }, () => { document.title = 'done' })</script>`,
  'a frame around the page': (url) => `
    <iframe src="${url}/console" onload="document.title = 'done'"></iframe>`,
};

describe.skipIf(!hasBrowser)('a page of another origin', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();
  let stranger: Server;
  let at = '';
  let key = '';
  beforeAll(async () => {
    key = await house.key('eve', ['admin']);
    stranger = createServer((request, response) => {
      const name = decodeURIComponent(request.url?.slice(1) ?? '');
      // The same host, so that the browser sends a cookie that is SameSite=Strict: ports are no sites.
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><title>waiting</title>${attempts[name]?.(house.url, key) ?? ''}`);
    });
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    at = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    stranger?.closeAllConnections();
    stranger?.close();
  });

  it.each(Object.keys(attempts))('gets nowhere with %s', async (name) => {
    const page = await browser.open();
    await signIn(page, `${house.url}/console`, await house.key('ada', ['admin']));
    const evil = await page.context().newPage();
    // What came back, also where an answer to another origin is kept from the page.
    const statuses: number[] = [];
    const debug = await page.context().newCDPSession(evil);
    await debug.send('Network.enable');
    debug.on('Network.responseReceivedExtraInfo', ({ statusCode }) => statuses.push(statusCode));
    await evil.goto(`${at}/${encodeURIComponent(name)}`).catch(() => {});
    if (name.startsWith('a form')) await evil.waitForURL(`${house.url}/**`);
    else await evil.waitForFunction(`document.title !== 'waiting'`);
    if (!name.startsWith('a form')) expect(await evil.title()).toBe('done');
    if (name === 'a frame around the page') {
      expect(await evil.frames()[1]?.locator('#app').count()).toBe(0);
    }
    // Nothing is changed: no ledger, and whoever was signed in still is.
    const session = await page.evaluate(`fetch('/v1/session').then((answer) => answer.json())`);
    expect(session).toMatchObject({ name: 'ada' });
    const about = await page.evaluate(`fetch('/v1/about').then((answer) => answer.text())`);
    expect(about).not.toContain('evil');
    // It is no attack if the browser left the cookie at home: then it would be 401, for nobody is known.
    if (/form|without a preflight|beacon/.test(name)) expect(statuses).toContain(403);
  });
});

describe.skipIf(!hasBrowser)('a script that got into the page', () => {
  const browser = useBrowser();
  const house = useConsoleHouse();

  it('does not run, by whatever way it came', async () => {
    const page = await browser.open();
    faults.length = 0;
    const name = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
    await signIn(page, `${house.url}/console`, await house.key(name, ['reader']));
    // A name is text.
    await page.getByText(name).waitFor();
    expect(faults).toEqual([]);
    for (const way of [
      `const s = document.createElement('script'); s.append('window.hacked = 1'); document.body.append(s);`,
      `const s = document.createElement('script'); s.src = 'data:text/javascript,window.hacked=1'; document.body.append(s);`,
      `document.body.innerHTML = '<img src=x onerror="window.hacked=1">';`,
      `document.body.insertAdjacentHTML('beforeend', '<svg onload="window.hacked=1">');`,
      `const b = document.createElement('button'); b.setAttribute('onclick', 'window.hacked=1'); document.body.append(b); b.click();`,
      `const a = document.createElement('a'); a.href = 'javascript:window.hacked=1'; document.body.append(a); a.click();`,
      `setTimeout('window.hacked = 1');`,
      `import('data:text/javascript,window.hacked=1').catch(() => {});`,
      `const f = document.createElement('form'); f.action = 'http://127.0.0.1:9/'; document.body.append(f); f.submit();`,
    ]) {
      // In a script element of the page it would be blocked before it began; the debugger lets it begin.
      await page.evaluate(`(() => { try { ${way} } catch { } })()`);
    }
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 200))');
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(page.url()).toBe(`${house.url}/console`);
    // The policy said no each time, aloud.
    expect(
      faults.filter((fault) => /Content Security Policy|Trusted/i.test(fault)).length,
    ).toBeGreaterThanOrEqual(5);
    faults.length = 0;
  });
});
