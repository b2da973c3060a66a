import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import { valuesOf } from './raw-headers.ts';

/**
 * Refuses a request that a page of another origin has made the browser send. Browsers say so themselves in Sec-Fetch-Site, which no
 * script can set; over plain HTTP to another machine they do not, and Origin is looked at. Who sends neither is no browser, and
 * has no cookies of anybody but itself. The order is that of Go's http.CrossOriginProtection.
 *
 * @throws AppError forbidden/cross_site
 */
export function requireSameOrigin(request: FastifyRequest): void {
  const { rawHeaders } = request.raw;
  const [site] = valuesOf(rawHeaders, 'sec-fetch-site');
  if (site !== undefined) {
    if (site === 'same-origin') return;
    throw crossSite();
  }
  const [origin] = valuesOf(rawHeaders, 'origin');
  // The scheme is not compared: before a proxy it is another than here.
  const own = request.raw.headers.host?.toLowerCase().replace(/:(80|443)$/, '');
  if (origin === undefined || hostIn(origin) === own) return;
  throw crossSite();
}

/**
 * The token that the page of a session sends with what changes something. It is made of the session's secret, so that it needs no
 * place of its own and is of no use for another session; and it is no way back to the secret.
 */
export function csrfTokenOf(secret: string): string {
  return `qmc_${createHmac('sha256', secret).update('csrf token').digest('base64url')}`;
}

/**
 * Refuses a request that is sent with the cookie and without the token: a page of another origin can make a browser send the cookie,
 * and cannot read the token.
 *
 * @throws AppError forbidden/csrf_token_missing, forbidden/csrf_token_wrong
 */
export function requireCsrfToken(request: FastifyRequest, secret: string): void {
  const [sent, second] = valuesOf(request.raw.rawHeaders, 'x-csrf-token');
  if (sent === undefined) {
    const detail =
      'With the cookie of a session a request that changes something needs X-CSRF-Token, as GET /v1/session gives it.';
    throw new AppError('forbidden', 'csrf_token_missing', detail);
  }
  const [given, wanted] = [Buffer.from(sent), Buffer.from(csrfTokenOf(secret))];
  if (second === undefined && given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  const detail =
    'The X-CSRF-Token is that of another session: somebody has signed in anew in this browser. Read GET /v1/session again, or load the page again.';
  throw new AppError('forbidden', 'csrf_token_wrong', detail);
}

function crossSite(): AppError {
  const detail = 'The request comes from a page of another site, which may change nothing here.';
  return new AppError('forbidden', 'cross_site', detail);
}

function hostIn(origin: string): string | undefined {
  try {
    return new URL(origin).host.replace(/:(80|443)$/, '');
  } catch {
    // `null` is what a page without an origin sends.
    return undefined;
  }
}
