import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { withIds } from '../../src/platform/ids.ts';
import { createLogger } from '../../src/platform/logger.ts';

function open(level = 'info') {
  const texts: string[] = [];
  return { texts, logger: createLogger(level, { write: (text) => texts.push(text) }) };
}

it('every line is JSON with its level, its time and the service', () => {
  const { logger, texts } = open();
  logger.warn({ quarter: '2024q1' }, 'something is wrong');
  logger.debug('not at this level');
  expect(texts.map((text) => JSON.parse(text))).toEqual([
    {
      level: 'warn',
      service: 'quartermaster',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      quarter: '2024q1',
      msg: 'something is wrong',
    },
  ]);
});

it('every line bears the ids of what it was logged in, after any wait', async () => {
  const { logger, texts } = open();
  const work = async (id: string) => {
    await new Promise(setImmediate);
    logger.info({ id });
  };
  await Promise.all([
    withIds({ request_id: 'a' }, () => work('a')),
    withIds({ request_id: 'b' }, () => work('b')),
    withIds({ job: 'close', job_id: 'c' }, () => work('c')),
    work('none'),
  ]);
  const lines = texts.map((text) => JSON.parse(text));
  expect(lines.map(({ id, request_id, job_id }) => [id, request_id ?? job_id])).toEqual([
    ['a', 'a'],
    ['b', 'b'],
    ['c', 'c'],
    ['none', undefined],
  ]);
});

it('no secret is printed, by whatever name or in whatever text it comes', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9_-]{43}$/);
  fc.assert(
    fc.property(secret, fc.constantFrom('p%40sswort', 'hunter2hunter2'), (token, password) => {
      const { logger, texts } = open();
      const url = `postgresql://quartermaster:${password}@db.internal:5432/ledger`;
      const cause = new Error(`connect to ${url} failed`);
      const error = new AppError('unavailable', 'database_unavailable', `No answer from ${url}.`, { cause });
      logger.error({ err: error }, `could not open ${url}`);
      logger.info({ config: { url, password, token, secret: token }, headers: { authorization: token } });
      logger.info({ nested: { text: `authorization: Bearer ${token}` } });
      logger.info(`the key qm_abcdefghijkl_${token} was refused`);
      logger.info({
        request: { csrfToken: token, cookie: token },
        text: `Cookie: a=b; qm_session_7070=qms_${token}`,
      });
      logger.info(`x-csrf-token: qmc_${token}`);
      logger.info({ list: [`https://user:${password}@store/bucket`] });
      logger.info(`postgres://user:a@b${password}@host/ledger`);
      logger.info(`postgres://host/ledger?user=a&password=${password}&sslmode=require`);
      logger.info({ config: { store: { password, apiKey: token } } });
      const log = texts.join('');
      expect(log).not.toContain(password);
      expect(log).not.toContain(token);
      // What is needed to look for the cause is still there.
      expect(log).toContain('db.internal:5432/ledger');
      expect(log).toContain('qm_abcdefghijkl_');
      for (const text of texts) expect(() => JSON.parse(text)).not.toThrow();
    }),
    { numRuns: 50 },
  );
});
