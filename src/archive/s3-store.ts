import type { Readable } from 'node:stream';
import type {
  ListMultipartUploadsCommandInput,
  ListMultipartUploadsCommandOutput,
  S3,
} from '@aws-sdk/client-s3';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import type { S3Place, S3Settings } from '../platform/s3-settings.ts';
import { type S3Limits, s3Limits } from './s3-client.ts';
import { isMissing, isUnknownOperation, s3Failure } from './s3-failure.ts';
import { findIgnored } from './s3-stored.ts';
import { type Protection, upload } from './s3-upload.ts';
import type { PutOptions, Store, StoredFile } from './store.ts';
import { partsOf } from './store-path.ts';
import { wholeStream } from './whole-stream.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

export interface S3StoreOptions {
  readonly clock: Clock;
  readonly limits?: Partial<S3Limits>;
}

/**
 * A store in a bucket, Amazon's or that of any server that speaks like it. It looks at the latest version of each file
 * only, so that in a bucket that keeps versions, as one with Object Lock does, a removed file is gone for us while the
 * version that was locked stays (docs/decisions/0008-s3.md).
 */
export function openS3Store(
  { bucket, prefix }: S3Place,
  settings: S3Settings,
  { clock, limits: given }: S3StoreOptions,
): Store {
  const url = `s3://${[bucket, prefix].filter(Boolean).join('/')}`;
  const limits = { ...s3Limits, ...given };
  let client: Promise<S3> | undefined;

  function key(path: string): string {
    return [prefix, ...partsOf(path)].filter(Boolean).join('/');
  }

  /** Runs what needs the bucket. Its failures are the store's, whatever they are called there. */
  async function attempt<T>(
    what: string,
    signal: AbortSignal | undefined,
    action: (s3: S3) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal);
    try {
      client ??= import('./s3-client.ts').then(({ openS3 }) => openS3(settings, limits));
      return await action(await client);
    } catch (cause) {
      throwIfAborted(signal);
      throw cause instanceof AppError ? cause : s3Failure(url, what, cause);
    }
  }

  function protection(probe: boolean): Protection {
    const { sse, kmsKey, lockMode, lockDays } = settings;
    const lockedMs = probe ? MINUTE_MS : lockDays * DAY_MS;
    return {
      ...(sse === 'none' ? {} : { ServerSideEncryption: sse }),
      ...(kmsKey === undefined ? {} : { SSEKMSKeyId: kmsKey }),
      ...(lockMode === 'none'
        ? {}
        : {
            ObjectLockMode: lockMode,
            ObjectLockRetainUntilDate: new Date(clock.now().getTime() + lockedMs),
          }),
    };
  }

  return {
    url,

    put: (path, localFile, { signal, probe = false }: PutOptions = {}) =>
      attempt(`store ${path}`, signal, async (s3) => {
        const target = { Bucket: bucket, Key: key(path) };
        const job = { s3, target, protection: protection(probe), limits, signal };
        const sent = await upload(job, localFile);
        const ignored = await findIgnored(job, sent);
        if (ignored === undefined) return { path, bytes: sent.bytes };
        const detail = `The store ${url} took ${path} and ${ignored}. See that the bucket does what is asked of it, or ask it no more.`;
        throw new AppError('config', 'store_refused', detail);
      }),

    open: (path, { signal } = {}) =>
      attempt(`read ${path}`, signal, async (s3) => {
        const found = await s3
          .getObject({ Bucket: bucket, Key: key(path) }, { abortSignal: signal })
          .catch((error: unknown) => {
            if (!isMissing(error)) throw error;
          });
        if (found?.Body === undefined) {
          throw new AppError('not_found', 'not_in_store', `${path} is not in the store ${url}.`);
        }
        return wholeStream(found.Body as unknown as Readable, {
          bytes: found.ContentLength,
          signal,
          failure: (cause) => s3Failure(url, `read ${path}`, cause),
        });
      }),

    stat: (path) =>
      attempt(`look at ${path}`, undefined, async (s3) => {
        try {
          const found = await s3.headObject({ Bucket: bucket, Key: key(path) });
          return { path, bytes: found.ContentLength ?? 0 };
        } catch (error) {
          if (!isMissing(error)) throw error;
          // The answer has no body that could tell a missing file from a missing bucket.
          await requireBucket(s3, bucket);
          return undefined;
        }
      }),

    list: (folder) =>
      attempt(`list ${folder}`, undefined, async (s3) => {
        const inside = `${key(folder)}/`;
        const files: StoredFile[] = [];
        let token: string | undefined;
        do {
          const page = await s3.listObjectsV2({
            Bucket: bucket,
            Prefix: inside,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          });
          for (const { Key = '', Size = 0 } of page.Contents ?? []) {
            // Consoles leave an empty object of that name where a person made a folder.
            if (Key.endsWith('/') && Size === 0) continue;
            files.push({ path: `${folder}/${Key.slice(inside.length)}`, bytes: Size });
          }
          token = page.IsTruncated ? page.NextContinuationToken : undefined;
          if (page.IsTruncated && token === undefined) throw new Error('its list breaks off');
        } while (token !== undefined);
        return files.sort((a, b) => (a.path < b.path ? -1 : 1));
      }),

    remove: (path) =>
      attempt(`remove ${path}`, undefined, async (s3) => {
        await s3.deleteObject({ Bucket: bucket, Key: key(path) });
      }),

    sweep: (folder) =>
      attempt(`sweep ${folder}`, undefined, async (s3) => {
        await sweepUploads(s3, bucket, `${key(folder)}/`);
      }),

    close: async () => {
      if (client === undefined) return;
      (await client).destroy();
    },
  };
}

async function requireBucket(s3: S3, bucket: string): Promise<void> {
  await s3.headBucket({ Bucket: bucket }).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw Object.assign(new Error('there is no such bucket'), { name: 'NoSuchBucket' });
  });
}

/** Takes away the parts of uploads that nobody will complete. */
async function sweepUploads(s3: S3, bucket: string, inside: string): Promise<void> {
  let from: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
  for (;;) {
    const page = await listUploads(s3, { Bucket: bucket, Prefix: inside, ...from });
    for (const { Key, UploadId } of page.Uploads ?? []) {
      await s3.abortMultipartUpload({ Bucket: bucket, Key, UploadId }).catch((error: unknown) => {
        // Somebody was faster.
        if ((error as Error).name !== 'NoSuchUpload') throw error;
      });
    }
    if (!page.IsTruncated || page.NextKeyMarker === undefined) return;
    from = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}

/** Not every server tells of its uploads; one that does not has to be told by other means how long to keep them. */
async function listUploads(
  s3: S3,
  input: ListMultipartUploadsCommandInput,
): Promise<Partial<ListMultipartUploadsCommandOutput>> {
  try {
    return await s3.listMultipartUploads(input);
  } catch (error) {
    if (isUnknownOperation(error)) return {};
    throw error;
  }
}
