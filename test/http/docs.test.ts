import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { emptyHouse, inject, problemIn } from './house.ts';

const app = createApp(emptyHouse());

/** What a page or a style sheet makes a browser load. */
function loadedBy(text: string): string[] {
  const patterns = [
    /<(?:script|img|iframe|source|embed)\b[^>]*\bsrc\s*=\s*["']([^"']*)/gi,
    /<link\b[^>]*\bhref\s*=\s*["']([^"']*)/gi,
    /\burl\(\s*["']?([^"')]*)/gi,
    /@import\s+["']([^"']*)/gi,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''));
}

const at = async (url: string) => inject(app, { url, headers: { authorization: '' } });

describe.each(['/docs', '/docs/'])('the page at %s', (page) => {
  const base = new URL(page, 'http://here');

  it('is served whole from here, and names nothing elsewhere', async () => {
    const html = await at(page);
    expect(html.statusCode).toBe(200);
    expect(html.headers['content-type']).toMatch(/^text\/html/);
    const seen = new Set<string>();
    const waiting = loadedBy(html.body).map((path) => new URL(path, base).href);
    expect(waiting.length).toBeGreaterThan(4);
    for (const url of waiting) {
      if (seen.has(url)) continue;
      seen.add(url);
      expect(url).toMatch(/^http:\/\/here\/docs\//);
      const response = await at(new URL(url).pathname);
      expect(response.statusCode, url).toBe(200);
      if (!url.endsWith('.css')) continue;
      for (const path of loadedBy(response.body)) {
        if (!path.startsWith('data:')) waiting.push(new URL(path, url).href);
      }
    }
    expect([...seen].map((url) => url.split('/').pop())).toEqual(
      expect.arrayContaining(['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-initializer.js']),
    );
    // What the script is told to load: the document, beside the page, and no validator.
    const script = await at('/docs/static/swagger-initializer.js');
    expect(script.body).toContain("resolveUrl('./json')");
    expect(script.body).toContain('validatorUrl: null');
    expect(loadedBy(script.body).filter((url) => /^(https?:)?\/\//.test(url))).toEqual([]);
    expect((await at('/docs/json')).json()).toEqual((await at('/openapi.json')).json());
  });

  it('may run its own scripts, and neither those of others nor any written into it', async () => {
    const { headers, body } = await at(page);
    const policy = Object.fromEntries(
      String(headers['content-security-policy'])
        .split('; ')
        .map((directive) => [directive.split(' ')[0], directive.split(' ').slice(1).join(' ')]),
    );
    expect(policy).toMatchObject({
      'default-src': "'none'",
      'script-src': "'self'",
      'connect-src': "'self'",
      'frame-ancestors': "'none'",
    });
    expect(JSON.stringify(policy)).not.toMatch(/https?:|\*|unsafe/);
    expect(body).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+\s*=|javascript:/i);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });
});

describe('beside the page', () => {
  it('nothing else may run scripts', async () => {
    for (const url of ['/openapi.json', '/healthz', '/nowhere']) {
      const { headers } = await at(url);
      expect(headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'");
    }
  });

  it('a file that is not there is a problem like any other', async () => {
    for (const url of ['/docs/static/nothing.js', '/docs/nothing', '/docs/static/..%2f..%2fpackage.json']) {
      problemIn(await at(url), 404, 'no_such_route');
    }
  });
});
