import { AppError, type ErrorKind } from '../core/errors.ts';

/** What the SDK throws, as far as it matters here. */
interface S3Error {
  readonly name?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number | undefined };
}

interface Verdict {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly advice: string;
}

/** They pass by themselves, though the status alone says otherwise. */
const passing = new Set([
  ...['BadDigest', 'IncompleteBody', 'InvalidDigest', 'NoSuchUpload', 'OperationAborted', 'RequestTimeout'],
  ...['RequestTimeoutException', 'XAmzContentSHA256Mismatch', 'ConditionalRequestConflict'],
]);

const misplaced = new Set([
  ...['NoSuchBucket', 'PermanentRedirect', 'TemporaryRedirect', 'AuthorizationHeaderMalformed'],
  ...['IllegalLocationConstraintException', 'InvalidBucketName', 'UnknownEndpoint'],
]);

const unwelcome = new Set([
  ...['CredentialsProviderError', 'ExpiredToken', 'ExpiredTokenException', 'InvalidToken'],
  ...['TokenRefreshRequired', 'InvalidClientTokenId', 'UnrecognizedClientException'],
]);

/** True where the server says that there is nothing under that key. A HEAD has no body, hence no better name. */
export function isMissing(error: unknown): boolean {
  const { name } = error as S3Error;
  return name === 'NoSuchKey' || name === 'NotFound';
}

/** True where the server does not know the operation at all. */
export function isUnknownOperation(error: unknown): boolean {
  const status = (error as S3Error).$metadata?.httpStatusCode;
  return status === 501 || status === 405;
}

/** Says of a failure of the SDK or the network who can mend it. */
export function s3Failure(url: string, what: string, cause: unknown): AppError {
  const { kind, code, advice } = judge(cause as S3Error);
  const detail = `The store ${url} could not ${what}: ${describe(cause as S3Error)}. ${advice}`;
  return new AppError(kind, code, detail, { cause });
}

function judge({ name = '', message = '', $metadata }: S3Error): Verdict {
  const status = $metadata?.httpStatusCode;
  if (misplaced.has(name) || /^Region is missing/.test(message) || status === 301 || status === 307) {
    const advice =
      'See that QM_STORE names the bucket, and QM_S3_REGION and QM_S3_ENDPOINT the place where it is.';
    return { kind: 'config', code: 'store_not_found', advice };
  }
  if (name === 'RequestTimeTooSkewed') {
    return { kind: 'config', code: 'store_denied', advice: 'The clocks differ. Run NTP on this machine.' };
  }
  // What lies in a cold class is there and may be read, only not now.
  if (unwelcome.has(name) || status === 401 || (status === 403 && name !== 'InvalidObjectState')) {
    const advice =
      'See that the credentials (AWS_ variables, profile, web or pod identity) are good, and that they may do this: docs/decisions/0008-s3.md lists what is needed.';
    return { kind: 'config', code: 'store_denied', advice };
  }
  const over = status === undefined || status < 400 || (status >= 500 && status !== 501) || status === 429;
  if (over || passing.has(name)) {
    const advice = 'Try again; if it lasts, see that the store can be reached from here.';
    return { kind: 'unavailable', code: 'store_failed', advice };
  }
  const advice =
    'See that the bucket is made for what QM_S3_SSE, QM_S3_KMS_KEY and QM_S3_LOCK_MODE ask of it.';
  return { kind: 'config', code: 'store_refused', advice };
}

function describe({ name, message, $metadata }: S3Error): string {
  const status = $metadata?.httpStatusCode;
  const said = message === undefined || /^(UnknownError)?$/.test(message) ? '' : message.replace(/\.$/, '');
  const known = name === undefined || name === 'Error' || said.startsWith(name) ? '' : name;
  const words = [known, said].filter(Boolean).join(': ');
  return `${words || 'it does not say why'}${status === undefined ? '' : ` (HTTP ${status})`}`;
}
