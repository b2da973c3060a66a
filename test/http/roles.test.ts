import { describe, expect, it } from 'vitest';
import type { Role } from '../../src/core/access.ts';
import { AppError } from '../../src/core/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { emptyHouse, inject, problemIn, transactionView } from './house.ts';

/** Every route with what it declares, and the roles of those that do something. */
async function readRoutes() {
  const app = createApp(emptyHouse());
  const routes: { method: string; url: string; role: Role | undefined; hidden: boolean }[] = [];
  app.addHook('onRoute', ({ method, url, config, schema }) => {
    for (const each of [method].flat()) {
      routes.push({ method: each, url, role: config?.role, hidden: schema?.hide === true });
    }
  });
  await app.ready();
  return { app, routes };
}

describe('every route of the ledger', () => {
  it('says who may call it', async () => {
    const { routes } = await readRoutes();
    const roles = routes.filter(({ url, hidden }) => url.startsWith('/v1') && !hidden);
    expect(roles.length).toBeGreaterThan(20);
    const wanted = (method: string, url: string): Role | undefined => {
      // One signs in with a key that is in the body, and everybody may sign out.
      if (url === '/v1/session') return method === 'POST' || method === 'DELETE' ? undefined : 'reader';
      if (method === 'GET' || method === 'HEAD') return 'reader';
      if (url.startsWith('/v1/quarters/') || url.startsWith('/v1/jobs/')) return 'finance';
      if (url.startsWith('/v1/queues/')) return 'admin';
      return url === '/v1/ledgers' ? 'admin' : 'writer';
    };
    for (const { method, url, role } of roles) expect(role, `${method} ${url}`).toBe(wanted(method, url));
    expect(routes.filter(({ url, role }) => !url.startsWith('/v1') && role !== undefined)).toEqual([]);
  });

  it('is refused at start when it does not', async () => {
    const app = createApp(emptyHouse());
    const add = () => app.get('/v1/open', async () => 'all of it');
    expect(add).toThrow(/the route \/v1\/open has no role/);
    app.get('/v1/closed', { config: { role: 'reader' } }, async () => 'some of it');
    app.get('/open', async () => 'what everybody may know');
  });

  it('answers 401 without a key, whatever else is wrong', async () => {
    const { app, routes } = await readRoutes();
    for (const { method, url, role } of routes) {
      if (role === undefined || method === 'HEAD') continue;
      const path = url.replace(/:\w+/g, 'x');
      const request = { method: method as 'GET', url: path, headers: { authorization: '' }, payload: '{' };
      const response = await inject(app, request);
      problemIn(response, 401, 'missing_token');
      expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
    }
  });

  it('answers 403 to a key of some ledgers only, where all are told of at once', async () => {
    const { routes } = await readRoutes();
    const app = createApp(
      emptyHouse({
        authenticate: async () => ({ name: 'tenant', roles: ['reader', 'finance'], ledgers: ['main'] }),
      }),
    );
    // A list of transactions is of one ledger, whatever its path says.
    const whole = routes.filter(
      ({ url, hidden }) => /^\/v1\/(quarters|jobs)/.test(url) && !url.endsWith('/transactions') && !hidden,
    );
    expect(whole.length).toBeGreaterThan(15);
    for (const { method, url } of whole) {
      if (method === 'HEAD') continue;
      const path = url.replace(':quarter', '2026q1').replace(':id', transactionView().id);
      problemIn(await inject(app, { method: method as 'GET', url: path }), 403, 'forbidden');
    }
  });

  it('answers 403 to a key that may not call it', async () => {
    const house = emptyHouse({
      authenticate: async () => ({ name: 'auditor', roles: ['reader'], ledgers: ['main'] }),
      readTransaction: async () => transactionView(),
    });
    const app = createApp(house);
    const url = '/v1/ledgers/main/transactions';
    problemIn(await inject(app, { method: 'POST', url, payload: {} }), 403, 'forbidden');
    expect((await inject(app, { url: `${url}/${transactionView().id}` })).statusCode).toBe(200);
    problemIn(await inject(app, { url: url.replace('main', 'other') }), 403, 'forbidden');
    problemIn(
      await inject(app, { method: 'POST', url: '/v1/ledgers', payload: { name: 'x' } }),
      403,
      'forbidden',
    );
  });
});

describe('/v1/ledgers', () => {
  const ledgers = {
    find: async (name: string) => (name === 'main' ? { id: 1, name } : undefined),
    list: async () => ['main', 'second', 'third'].map((name, index) => ({ id: index + 1, name })),
    create: async (name: string) => ({ id: 4, name }),
    currencies: async () => new Map([['EUR', 2]]),
  };

  it('lists the ledgers that the key may read', async () => {
    const all = createApp(emptyHouse({ ledgers }));
    expect((await inject(all, { url: '/v1/ledgers' })).json()).toEqual({
      ledgers: [{ name: 'main' }, { name: 'second' }, { name: 'third' }],
    });
    const authenticate = async () => ({
      name: 'some',
      roles: ['reader'] as Role[],
      ledgers: ['second', 'gone'],
    });
    const some = createApp(emptyHouse({ ledgers, authenticate }));
    expect((await inject(some, { url: '/v1/ledgers' })).json()).toEqual({ ledgers: [{ name: 'second' }] });
  });

  it('creates a ledger, once', async () => {
    const app = createApp(emptyHouse({ ledgers }));
    const create = (payload: object) => inject(app, { method: 'POST', url: '/v1/ledgers', payload });
    const created = await create({ name: 'fourth' });
    expect([created.statusCode, created.json()]).toEqual([201, { name: 'fourth' }]);
    const again = await create({ name: 'main' });
    expect([again.statusCode, again.json()]).toEqual([200, { name: 'main' }]);
    for (const name of ['Fourth', '', '-x', 'x'.repeat(64), 7, null]) {
      const { errors } = problemIn(await create({ name }), 400, 'invalid_request');
      expect(errors).toEqual([expect.objectContaining({ pointer: '#/name' })]);
    }
    const failing = createApp(
      emptyHouse({
        ledgers: {
          ...ledgers,
          create: async () => {
            throw new AppError('unavailable', 'database_unavailable', 'Away.');
          },
        },
      }),
    );
    const payload = { name: 'fifth' };
    problemIn(
      await inject(failing, { method: 'POST', url: '/v1/ledgers', payload }),
      503,
      'database_unavailable',
    );
  });
});
