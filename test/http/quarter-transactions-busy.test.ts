import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { createApp } from '../../src/http/app.ts';
import type { HttpHouse } from '../../src/http/house.ts';
import { authorization, emptyHouse, inject, problemIn } from './house.ts';

const url = '/v1/quarters/2024q1/transactions?ledger=main';
const nothing = { transactions: [], next: undefined };

/** An app whose archives are read when the test lets them be. */
function holding() {
  const asked: AbortSignal[] = [];
  const ends: PromiseWithResolvers<typeof nothing>[] = [];
  const asking: PromiseWithResolvers<void>[] = [];
  const listArchived: HttpHouse['listArchived'] = (_quarter, _ledger, _query, signal) => {
    const end = Promise.withResolvers<typeof nothing>();
    asked.push(signal);
    ends.push(end);
    asking.shift()?.resolve();
    return end.promise;
  };
  const next = () => {
    const begun = Promise.withResolvers<void>();
    asking.push(begun);
    return begun.promise;
  };
  return { app: createApp(emptyHouse({ listArchived })), asked, ends, next };
}

describe("reading a quarter's archive", () => {
  it('is done for two at once, and the third is told when to come again', async () => {
    const { app, ends, next } = holding();
    const begun = [next(), next()];
    const two = [inject(app, { url }), inject(app, { url })];
    await Promise.all(begun);
    const third = await inject(app, { url });
    problemIn(third, 503, 'archives_busy');
    expect(third.headers['retry-after']).toBe('1');
    // Whatever becomes of one, its place is free again.
    ends[0]?.resolve(nothing);
    ends[1]?.reject(new AppError('busy', 'read_too_slow', 'It took too long.'));
    const [good, slow] = await Promise.all(two);
    expect(good?.json()).toEqual({ transactions: [], next_cursor: null });
    if (slow) problemIn(slow, 503, 'read_too_slow');
    const again = [next(), next()];
    const more = [inject(app, { url }), inject(app, { url })];
    await Promise.all(again);
    for (const end of ends) end.resolve(nothing);
    expect((await Promise.all(more)).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
  });

  it('ends when the client has gone', async () => {
    const { app, asked, ends, next } = holding();
    const server = app as unknown as FastifyInstance;
    await server.listen({ host: '127.0.0.1', port: 0 });
    try {
      const { port } = server.server.address() as AddressInfo;
      const client = new AbortController();
      const begun = next();
      const answer = fetch(`http://127.0.0.1:${port}${url}`, {
        headers: authorization,
        signal: client.signal,
      });
      await begun;
      const [signal] = asked;
      if (signal === undefined) throw new Error('it was asked');
      expect(signal.aborted).toBe(false);
      const aborted = once(signal, 'abort');
      client.abort();
      await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
      await aborted;
      ends[0]?.reject(new AppError('aborted', 'aborted', 'Stopped on request.'));
    } finally {
      await server.close();
    }
  });
});
