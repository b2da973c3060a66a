import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { emptyHouse, inject, type LogLine, problemIn, recordingLogger } from './house.ts';

describe('/healthz', () => {
  it('says that the process lives, and asks nobody', async () => {
    let asked = 0;
    const check = async () => {
      asked++;
      throw new Error('away');
    };
    const app = createApp(emptyHouse({ checks: [{ name: 'database', check }] }));
    const response = await inject(app, { url: '/healthz' });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ status: 'ok', version: '1.2.3' });
    expect(asked).toBe(0);
  });
});

describe('/metrics', () => {
  it('shows the page to everybody, and is not part of the described API', async () => {
    const metrics = { contentType: 'text/plain; version=0.0.4; charset=utf-8', render: async () => 'a 1\n' };
    const app = createApp(emptyHouse({ metrics }));
    const response = await inject(app, { url: '/metrics' });
    expect([response.statusCode, response.headers['content-type'], response.body]).toEqual([
      200,
      metrics.contentType,
      'a 1\n',
    ]);
    const described = await inject(app, { url: '/openapi.json' });
    expect(Object.keys(described.json().paths)).not.toContain('/metrics');
    const posted = await inject(app, { url: '/metrics', method: 'POST' });
    expect(posted.statusCode).toBe(405);
  });
});

describe('/readyz', () => {
  it('is 200 while all is well, and lists the checks', async () => {
    const checks = ['database', 'queue'].map((name) => ({ name, check: async () => {} }));
    const response = await inject(createApp(emptyHouse({ checks })), { url: '/readyz' });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      status: 'ready',
      checks: [
        { name: 'database', ok: true },
        { name: 'queue', ok: true },
      ],
    });
  });

  it('is 503 when one is not, tells which, and keeps the reason for the log', async () => {
    const lines: LogLine[] = [];
    const checks = [
      { name: 'queue', check: async () => {} },
      {
        name: 'database',
        check: async () => {
          throw Object.assign(new Error('10.1.2.3 refused'), { code: 'ECONNREFUSED' });
        },
      },
    ];
    const app = createApp(emptyHouse({ checks, logger: recordingLogger(lines) }));
    const response = await inject(app, { url: '/readyz' });
    const problem = problemIn(response, 503, 'not_ready');
    expect(problem.detail).toBe('Not well: database.');
    expect(response.json().checks).toEqual([
      { name: 'queue', ok: true },
      { name: 'database', ok: false, code: 'database_unavailable' },
    ]);
    expect(response.body).not.toContain('10.1.2.3');
    const warning = lines.find((line) => line.message === 'not ready');
    expect(warning).toMatchObject({ level: 'warn', check: 'database' });
    expect(String(warning?.err)).toContain('10.1.2.3');
  });

  it('does not wait for a check that hangs, nor starts it again until it has come back', async () => {
    const held = Promise.withResolvers<void>();
    let started = 0;
    const check = () => {
      started++;
      return started === 1 ? held.promise : Promise.resolve();
    };
    const app = createApp(emptyHouse({ checks: [{ name: 'database', check }] }));
    for (const _ of [1, 2]) {
      const response = await inject(app, { url: '/readyz' });
      problemIn(response, 503, 'not_ready');
      expect(response.json().checks).toEqual([{ name: 'database', ok: false, code: 'check_timeout' }]);
    }
    expect(started).toBe(1);
    held.resolve();
    await held.promise;
    expect((await inject(app, { url: '/readyz' })).statusCode).toBe(200);
    expect((await inject(app, { url: '/readyz' })).statusCode).toBe(200);
    expect(started).toBe(3);
  });

  it('holds a check to its word even when it throws before it promises', async () => {
    const check = () => {
      throw new AppError('unavailable', 'stopping', 'No.');
    };
    const app = createApp(emptyHouse({ checks: [{ name: 'serving', check }] }));
    problemIn(await inject(app, { url: '/readyz' }), 503, 'not_ready');
  });
});
