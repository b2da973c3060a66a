import { S3 } from '@aws-sdk/client-s3';
import type { S3Settings } from '../platform/s3-settings.ts';

/** What keeps a server that hangs, or answers badly, from keeping us. */
export interface S3Limits {
  /** How often a request is sent in all, with exponentially longer waits in between. */
  readonly attempts: number;
  /** Milliseconds until a connection stands. */
  readonly connectMs: number;
  /** Milliseconds for which a connection may stay silent, in a request or in an answer. */
  readonly idleMs: number;
  /** A file of more bytes goes in parts of this size, each of which is held in memory while it is sent. At least 5 MiB. */
  readonly partBytes: number;
  /** How many parts are sent at the same time. */
  readonly partsAtOnce: number;
}

export const s3Limits: S3Limits = {
  attempts: 5,
  connectMs: 5_000,
  idleMs: 60_000,
  partBytes: 16 * 1024 * 1024,
  partsAtOnce: 3,
};

/**
 * A client of the SDK. Credentials come by its standard chain: AWS_ variables, profile, web identity, pod identity. It
 * is loaded by who needs it, for it is larger than all the rest and most processes never touch a bucket.
 */
export function openS3(settings: S3Settings, limits: S3Limits): S3 {
  const { endpoint, pathStyle } = settings;
  // Stores other than Amazon's have no regions, and take any name of one in a signature.
  const region = settings.region ?? (endpoint === undefined ? undefined : 'us-east-1');
  return new S3({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    forcePathStyle: pathStyle,
    maxAttempts: limits.attempts,
    retryMode: 'standard',
    requestHandler: { connectionTimeout: limits.connectMs, socketTimeout: limits.idleMs },
    // We send SHA-256 with every file; other sums by default are more than many other servers know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    // What comes back is judged by the hashes of the manifest alone: a file that differs is damage, not a failed read.
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}
