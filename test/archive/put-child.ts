import { openDiskStore } from '../../src/archive/disk-store.ts';
import { openS3Store } from '../../src/archive/s3-store.ts';
import { systemClock } from '../../src/core/clock.ts';

/** Puts one file into a store, to be killed while it does. Its argument is the JSON of a Job. */
export interface Job {
  readonly directory?: string;
  readonly s3?: {
    readonly place: Parameters<typeof openS3Store>[0];
    readonly settings: Parameters<typeof openS3Store>[1];
    readonly partBytes: number;
  };
  readonly path: string;
  readonly file: string;
}

const { directory, s3, path, file } = JSON.parse(process.argv[2] ?? '') as Job;
const store =
  s3 === undefined
    ? openDiskStore(directory ?? '')
    : openS3Store(s3.place, s3.settings, { clock: systemClock, limits: { partBytes: s3.partBytes } });
await store.put(path, file);
