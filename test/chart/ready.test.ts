import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { describeChart, only, render } from './helm.ts';

/** Runs what the pod of `helm test` runs, on other addresses. */
async function runTest(urls: readonly string[]): Promise<{ code: number; out: string }> {
  const { command, args } = only(await render(), 'Pod').spec.containers[0];
  expect(args).toEqual([
    '60',
    'http://demo-quartermaster-api:7070/readyz',
    'http://demo-quartermaster-worker:7071/readyz',
  ]);
  return new Promise((resolve) => {
    execFile(process.execPath, [...command.slice(1), '0', ...urls], (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: out + err }),
    );
  });
}

describeChart('the pod of helm test', () => {
  it('passes when both are ready, and says what each said when one is not', async () => {
    let worker = 200;
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/worker' ? worker : 200;
      response.end(response.statusCode === 200 ? 'ready' : 'the schema is behind');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const urls = [`${address}/api`, `${address}/worker`];
    try {
      expect(await runTest(urls)).toEqual({ code: 0, out: `${urls[0]} 200 ready\n${urls[1]} 200 ready\n` });
      worker = 503;
      const { code, out } = await runTest(urls);
      expect(code).toBe(1);
      expect(out).toContain(`${urls[0]} 200 ready\n`);
      expect(out).toContain(`${urls[1]} 503 the schema is behind\n`);
    } finally {
      server.close();
      await once(server, 'close');
    }
    const { code, out } = await runTest(urls);
    expect(code).toBe(1);
    expect(out).toContain('ECONNREFUSED');
  });
});
