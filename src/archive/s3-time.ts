import { parseS3Url, type S3Settings } from '../platform/s3-settings.ts';

const ANSWER_MS = 5000;

/**
 * What time it is where the bucket is, by the Date that every answer bears, be it a refusal: no credentials are needed. undefined where no
 * answer comes, or one without a date. To the second, and up to one old.
 *
 * @param store a QM_STORE
 */
export async function storeTime(store: string, settings: S3Settings): Promise<Date | undefined> {
  const place = parseS3Url(store);
  if (place === undefined) return undefined;
  const region = settings.region ?? 'us-east-1';
  const url = settings.endpoint ?? `https://s3.${region}.amazonaws.com`;
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const { headers, body } = await fetch(url, { method: 'HEAD', redirect: 'manual', signal });
    await body?.cancel();
    const date = new Date(headers.get('date') ?? '');
    return Number.isNaN(date.getTime()) ? undefined : date;
  } catch {
    return undefined;
  }
}
