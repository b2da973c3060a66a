/** How a bucket is reached and what is asked of it. Credentials are not among it: they come the standard way. */
export interface S3Settings {
  /** Of a store other than Amazon's. */
  readonly endpoint: string | undefined;
  /** undefined: as the standard chain has it (AWS_REGION, profile). */
  readonly region: string | undefined;
  /** The bucket in the path instead of the host's name, as many stores other than Amazon's need it. */
  readonly pathStyle: boolean;
  readonly sse: 'none' | 'AES256' | 'aws:kms';
  readonly kmsKey: string | undefined;
  readonly lockMode: 'none' | 'GOVERNANCE' | 'COMPLIANCE';
  /** For how many days from its put no version of a file can be deleted; 0 without a lock. */
  readonly lockDays: number;
}

/** What is used where nothing is set. */
export const plainS3: S3Settings = {
  endpoint: undefined,
  region: undefined,
  pathStyle: false,
  sse: 'none',
  kmsKey: undefined,
  lockMode: 'none',
  lockDays: 0,
};

export interface S3Place {
  readonly bucket: string;
  /** Without a slash at either end; empty for the whole bucket. */
  readonly prefix: string;
}

/**
 * The place of an `s3://bucket/prefix`. Only what no tool and no server reads in two ways is taken: a bucket by
 * Amazon's rules, and a prefix of the characters it calls safe. undefined for anything else.
 */
export function parseS3Url(text: string): S3Place | undefined {
  const [, bucket, prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9!_.*'()/-]*?))?\/?$/.exec(text) ?? [];
  if (bucket === undefined) return undefined;
  const parts = prefix === '' ? [] : prefix.split('/');
  return parts.some((part) => /^\.{0,2}$/.test(part)) ? undefined : { bucket, prefix };
}

/** Settings of which each is right and that say nothing, or two things, together. `given` is by the variable's name. */
export function s3Faults(given: Readonly<Record<string, string | undefined>>): string[] {
  const faults: string[] = [];
  const locked = (given.QM_S3_LOCK_MODE ?? 'none') !== 'none';
  const days = given.QM_S3_LOCK_DAYS !== undefined;
  if (locked && !days) faults.push('QM_S3_LOCK_DAYS must be set together with QM_S3_LOCK_MODE');
  if (days && !locked) faults.push('QM_S3_LOCK_MODE must be set together with QM_S3_LOCK_DAYS');
  if (given.QM_S3_KMS_KEY !== undefined && given.QM_S3_SSE !== 'aws:kms')
    faults.push('QM_S3_SSE must be aws:kms where QM_S3_KMS_KEY is set');
  return faults;
}
