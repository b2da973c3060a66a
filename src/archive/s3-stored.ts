import type { HeadObjectCommandOutput, S3 } from '@aws-sdk/client-s3';
import { isMissing, isUnknownOperation } from './s3-failure.ts';
import type { Protection, Target, Uploaded } from './s3-upload.ts';

export interface Stored {
  readonly s3: S3;
  readonly target: Target;
  readonly protection: Protection;
}

/**
 * Asks the server again what it has: it is to be what it just said it took, kept as it was told to. Says what was asked
 * of the server and is not so; an error says that it has not the file.
 */
export async function findIgnored(job: Stored, sent: Uploaded): Promise<string | undefined> {
  const { ServerSideEncryption: sse, ObjectLockMode: lock } = job.protection;
  let found = await look(job, sent);
  if (sse !== undefined && found.ServerSideEncryption !== sse) {
    return `did not encrypt it as QM_S3_SSE=${sse} asks`;
  }
  if (lock !== undefined && found.ObjectLockMode !== lock) {
    // Ceph's gateway forgets the lock of a file that comes in parts, and takes it afterwards.
    await putLock(job, found.VersionId);
    found = await look(job, sent);
    if (found.ObjectLockMode !== lock)
      return `did not lock it as QM_S3_LOCK_MODE=${lock} asks, or does not let us see that (s3:GetObjectRetention)`;
  }
}

async function look({ s3, target }: Stored, sent: Uploaded): Promise<HeadObjectCommandOutput> {
  const found = await s3.headObject(target).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  if (found === undefined) throw new Error('it says that the file was stored, and has none');
  const another = sent.etag !== undefined && found.ETag !== sent.etag;
  if (another || found.ContentLength !== sent.bytes) {
    const what = `it has ${found.ContentLength} bytes of tag ${found.ETag} where ${sent.bytes} of tag ${sent.etag} were stored`;
    throw new Error(`${what}; it did not take them, or somebody else stores the same file`);
  }
  return found;
}

async function putLock({ s3, target, protection }: Stored, version: string | undefined): Promise<void> {
  const { ObjectLockMode: Mode, ObjectLockRetainUntilDate: RetainUntilDate } = protection;
  const own = version === undefined ? target : { ...target, VersionId: version };
  await s3
    .putObjectRetention({ ...own, Retention: { Mode, RetainUntilDate } })
    // It is seen right after whether it was done.
    .catch((error: unknown) => {
      if (!isUnknownOperation(error)) throw error;
    });
}
