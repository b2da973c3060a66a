import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { readAssets } from '../../src/console/assets.ts';
import { consoleRoutes } from '../../src/console/routes.ts';
import { packageRoot } from '../../src/db/root.ts';
import { createApp, emptyHouse, problemIn } from './house.ts';

const assets = await readAssets();
const open = (parts = {}) =>
  createApp(
    emptyHouse({ console: (app) => consoleRoutes(app, async () => assets), ...parts }),
  ) as unknown as FastifyInstance;

describe('the page', () => {
  it.each([
    '/console',
    '/console/',
    '/console/quarters/2026q1',
    '/console/ledger/main/accounts/a%3AWALLET?x=1',
    '/console/no/such',
  ])('is one document, kept by nobody and bound to what it brought, at %s', async (url) => {
    const answer = await open().inject({ url });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(answer.headers['permissions-policy']).toContain('camera=()');
    const policy = String(answer.headers['content-security-policy']);
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      'trusted-types lit-html',
    ]);
    // Nothing in it needs an exception, and nothing of it is somebody else's.
    expect(answer.body).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|https?:\/\//);
  });

  it('names every file that it needs at once, and each is there, to be kept for ever', async () => {
    const app = open();
    const { body } = await app.inject({ url: '/console' });
    const paths = [...body.matchAll(/(?:href|src)="(\/console\/assets\/[^"]+)"/g)].map((one) => one[1] ?? '');
    expect(paths.length).toBeGreaterThan(4);
    // The first view, and no other.
    const named = (view: string) =>
      paths.some((path) => path.includes(`/${view}-`) || path.endsWith(`/${view}.js`));
    expect(['main', 'quarters', 'health', 'charts'].filter(named)).toEqual(['main', 'quarters']);
    for (const path of new Set(paths)) {
      const answer = await app.inject({ url: path, headers: { 'accept-encoding': 'gzip' } });
      expect(answer.statusCode, path).toBe(200);
      expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(answer.headers['content-encoding']).toBe('gzip');
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    }
    const [first = ''] = paths;
    const refused = await app.inject({ url: first, headers: { 'accept-encoding': 'br, gzip;q=0' } });
    expect(refused.headers['content-encoding']).toBeUndefined();
  });

  it('gives a page of another version what there is, and lets nobody keep that', async () => {
    const url = `/console/assets/another/${assets.entry}`;
    const answer = await open().inject({ url });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    for (const path of ['no.js', 'src/main/cli.ts', '']) {
      problemIn(
        await open().inject({ url: `/console/assets/${assets.version}/${path}` }),
        404,
        'no_such_route',
      );
    }
  });

  it('is there while the process waits for its database, and what it asks says that it starts', async () => {
    const app = open({ isStarting: () => true });
    expect((await app.inject({ url: '/console' })).statusCode).toBe(200);
    expect((await app.inject({ url: `/console/assets/${assets.version}/${assets.entry}` })).statusCode).toBe(
      200,
    );
    problemIn(await app.inject({ url: '/v1/session' }), 503, 'starting');
    const signIn = { method: 'POST', url: '/v1/session', payload: { key: 'x' } } as const;
    problemIn(await app.inject(signIn), 503, 'starting');
  });

  it('shows each runbook as it is written, and no other file', async () => {
    const app = open();
    const folder = join(packageRoot(), 'docs', 'runbooks');
    const names = await readdir(folder);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      const answer = await app.inject({ url: `/console/runbooks/${name.replace(/\.md$/, '')}` });
      expect(answer.statusCode, name).toBe(200);
      expect(answer.headers).toMatchObject({
        'content-type': 'text/plain; charset=utf-8',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      });
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
      expect(answer.body).toBe(await readFile(join(folder, name), 'utf8'));
    }
    for (const name of [
      'no-such',
      '..%2Ferrors',
      '%2E%2E%2Ferrors',
      '../errors',
      'horizon.md',
      '',
      'constructor',
    ]) {
      const answer = await app.inject({ url: `/console/runbooks/${name}` });
      expect(answer.body, name).not.toMatch(/^# /);
    }
    problemIn(await app.inject({ url: '/console/runbooks/no-such' }), 404, 'no_such_route');
  });
});
