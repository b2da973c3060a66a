import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openS3Store } from '../../src/archive/s3-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { S3Place, S3Settings } from '../../src/platform/s3-settings.ts';
import { startS3Proxy } from '../support/s3-proxy.ts';
import type { Job } from './put-child.ts';
import type { StoreBench } from './store-contract.ts';

export interface S3BenchOptions {
  readonly endpoint: string;
  readonly settings: S3Settings;
  readonly place: S3Place;
  readonly partBytes: number;
  readonly countUnfinished: () => Promise<number>;
}

/** A store in a bucket for the contract. A put of it is killed when its third part arrives, which the server never sees. */
export function openS3Bench(options: S3BenchOptions): StoreBench {
  const { endpoint, settings, place, partBytes, countUnfinished } = options;
  const store = openS3Store(place, settings, { clock: systemClock, limits: { partBytes } });
  return {
    store,
    killPut: async (path, file) => {
      let parts = 0;
      const proxy = await startS3Proxy(endpoint, ({ url }) => {
        if (!/partNumber=/.test(url) || ++parts < 3) return 'pass';
        child.kill('SIGKILL');
        return 'hang';
      });
      const job: Job = {
        s3: { place, settings: { ...settings, endpoint: proxy.endpoint }, partBytes },
        path,
        file,
      };
      const script = join(import.meta.dirname, 'put-child.ts');
      const child = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: 'ignore' });
      const [, signal] = await once(child, 'exit');
      expect(signal).toBe('SIGKILL');
      await proxy.stop();
    },
    countUnfinished,
    end: async () => {
      await store.close?.();
    },
  };
}
