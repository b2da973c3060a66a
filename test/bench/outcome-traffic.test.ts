import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import type { Bench } from '../../bench/bench.ts';
import { startTraffic } from '../../bench/outcome/generator.ts';

it('the traffic counts what was answered by what it was, and what failed by how', async () => {
  const seen = { post: 0, list: 0, balance: 0, report: 0 };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const kind =
      request.method === 'POST'
        ? 'post'
        : path.includes('/balance?')
          ? 'balance'
          : path.includes('/summaries/')
            ? 'report'
            : 'list';
    seen[kind]++;
    request.resume();
    expect(request.headers.authorization).toBe('Bearer secret');
    if (kind === 'report') return response.destroy();
    response.writeHead({ post: 201, list: 200, balance: 503 }[kind]);
    response.end('{"code":"database_unavailable"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cleanups: (() => Promise<void>)[] = [];
  const bench = { onEnd: (cleanup) => void cleanups.push(cleanup) } as Pick<Bench, 'onEnd'> as Bench;
  try {
    const traffic = startTraffic(bench);
    const { times, failures, seconds } = await traffic({
      side: 'before',
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ledger: 'bench',
      key: 'secret',
      cursors: {},
      clients: 8,
      seconds: 2,
      seed: 1,
      postings: 'spread',
      accounts: 1000,
      rows: 100_000,
      start: Date.parse('2025-01-01'),
      today: '2026-11-26',
    });
    expect(times.post).toHaveLength(seen.post);
    expect(times.list).toHaveLength(seen.list);
    expect([times.balance, times.report]).toEqual([[], []]);
    expect(Math.min(seen.post, seen.list, seen.balance, seen.report)).toBeGreaterThan(0);
    const { 'balance 503 database_unavailable': refused, ...rest } = failures;
    expect(refused).toBe(seen.balance);
    expect(Object.keys(rest).every((what) => what.startsWith('report '))).toBe(true);
    expect(Object.values(rest).reduce((a, b) => a + b, 0)).toBe(seen.report);
    expect(seconds).toBeGreaterThanOrEqual(1);
  } finally {
    for (const cleanup of cleanups) await cleanup();
    server.closeAllConnections();
    server.close();
  }
});
