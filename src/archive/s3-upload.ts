import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { CompletedPart, PutObjectCommandInput, S3 } from '@aws-sdk/client-s3';
import type { S3Limits } from './s3-client.ts';

/** The bucket takes no more parts of one file than this. */
const MOST_PARTS = 10_000;
const MIB = 1024 * 1024;

export interface Target {
  readonly Bucket: string;
  readonly Key: string;
}

/** How a file is to be encrypted and locked. */
export type Protection = Pick<
  PutObjectCommandInput,
  'ServerSideEncryption' | 'SSEKMSKeyId' | 'ObjectLockMode' | 'ObjectLockRetainUntilDate'
>;

export interface Upload {
  readonly s3: S3;
  readonly target: Target;
  readonly protection: Protection;
  readonly limits: S3Limits;
  readonly signal: AbortSignal | undefined;
}

export interface Uploaded {
  readonly bytes: number;
  /** The version of the file by the server's own name for it. Not every server tells that of a file in parts (Ceph 16). */
  readonly etag: string | undefined;
}

/**
 * Sends a local file: at once when it is small, in parts when it is not. Each piece goes with its SHA-256, which the
 * server compares, and what the server answers is compared with ours. The errors are those of the SDK.
 */
export async function upload(job: Upload, localFile: string): Promise<Uploaded> {
  const file = await open(localFile, 'r');
  try {
    const { size } = await file.stat();
    return size <= job.limits.partBytes ? await putWhole(job, file, size) : await putInParts(job, file, size);
  } finally {
    await file.close();
  }
}

async function putWhole(job: Upload, file: FileHandle, size: number): Promise<Uploaded> {
  const body = await read(file, 0, size);
  const sum = sha256(body).toString('base64');
  const answer = await job.s3.putObject(
    { ...job.target, ...job.protection, Body: body, ContentLength: size, ChecksumSHA256: sum },
    { abortSignal: job.signal },
  );
  requireSum(answer.ChecksumSHA256, sum);
  return { bytes: size, etag: answer.ETag || undefined };
}

async function putInParts(job: Upload, file: FileHandle, size: number): Promise<Uploaded> {
  const { s3, target, protection, signal } = job;
  // Not to be stopped: an upload of which we never hear the id could not be taken away again.
  const created = await s3.createMultipartUpload({ ...target, ...protection, ChecksumAlgorithm: 'SHA256' });
  const own = { ...target, UploadId: created.UploadId };
  try {
    const { parts, sum } = await putParts(job, own, file, size);
    const answer = await s3.completeMultipartUpload(
      { ...own, MultipartUpload: { Parts: parts } },
      { abortSignal: signal },
    );
    requireSum(answer.ChecksumSHA256, sum);
    return { bytes: size, etag: answer.ETag || undefined };
  } catch (error) {
    // Parts are paid for until somebody takes them away. Where even this fails, the next sweep finds them.
    await s3.abortMultipartUpload(own).catch(() => {});
    throw error;
  }
}

/**
 * Sends all parts, a few at a time. After a failure no more are begun, and those under way are waited for: who takes an
 * upload away does not get hold of parts that are still coming.
 */
async function putParts(
  { s3, limits, signal }: Upload,
  own: { Bucket: string; Key: string; UploadId: string | undefined },
  file: FileHandle,
  size: number,
): Promise<{ parts: CompletedPart[]; sum: string }> {
  const partBytes = Math.max(limits.partBytes, Math.ceil(size / MOST_PARTS / MIB) * MIB);
  const count = Math.ceil(size / partBytes);
  const parts: CompletedPart[] = [];
  const sums: Buffer[] = [];
  let first: { readonly error: unknown } | undefined;
  let next = 0;
  const sendSome = async () => {
    while (next < count && first === undefined && !signal?.aborted) {
      const i = next++;
      const body = await read(file, i * partBytes, Math.min(partBytes, size - i * partBytes));
      const digest = sha256(body);
      const sum = digest.toString('base64');
      const answer = await s3.uploadPart(
        { ...own, PartNumber: i + 1, Body: body, ContentLength: body.length, ChecksumSHA256: sum },
        { abortSignal: signal },
      );
      requireSum(answer.ChecksumSHA256, sum);
      sums[i] = digest;
      parts[i] = { PartNumber: i + 1, ETag: answer.ETag, ChecksumSHA256: sum };
    }
  };
  const senders = Array.from({ length: Math.min(limits.partsAtOnce, count) }, () =>
    sendSome().catch((error: unknown) => {
      first ??= { error };
    }),
  );
  await Promise.all(senders);
  // What the senders did to it the compiler does not see.
  const failure = first as { readonly error: unknown } | undefined;
  if (failure !== undefined) throw failure.error;
  signal?.throwIfAborted();
  // The sum of a file in parts is that of the sums of its parts.
  return { parts, sum: `${sha256(Buffer.concat(sums)).toString('base64')}-${count}` };
}

async function read(file: FileHandle, from: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await file.read(buffer, done, bytes - done, from + done);
    if (bytesRead === 0) throw new Error('the local file became shorter while it was read');
    done += bytesRead;
  }
  return buffer;
}

/** Servers that know no such sums answer with none. */
function requireSum(answered: string | undefined, sent: string): void {
  if (answered === undefined || answered === sent) return;
  throw new Error(`the SHA-256 of what arrived is ${answered}, and of what was sent ${sent}`);
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
