import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../core/loopback.ts';
import { valuesOf } from './raw-headers.ts';

/** The browser takes it over TLS alone, for this host alone. */
const STRICT = '__Host-qm_session';

/**
 * What keeps the secret of a session. It is out of reach of scripts, is sent to no other site's requests, and only over
 * TLS: the prefix `__Host-` makes the browser see to that, and to it that no other host of the domain has set it (RFC 6265bis,
 * section 4.1.3.2). The browser sees to it for that name to the byte, so a name that is only like it is none of ours. On this machine
 * alone, where there is no TLS and nobody listens in between, it is a plain one, named for the port: cookies know hosts and no ports,
 * and two processes on one machine would sign each other's people out.
 *
 * @returns values of Set-Cookie: the session's, to be kept for so many seconds, and what takes away another that the browser has
 */
export function sessionCookies(request: FastifyRequest, secret: string, seconds: number): string[] {
  const { rawHeaders } = request.raw;
  const plain = isPlain(request) && valuesOf(rawHeaders, 'origin').every(isPlainOrigin);
  const name = plain ? plainNameFor(request) : STRICT;
  const others = namesSent(request).filter((sent) => sent !== name);
  return [cookie(name, secret, seconds), ...others.map(cleared)];
}

/** Values of Set-Cookie that take away each cookie of a session that the browser has. */
export function clearedCookies(request: FastifyRequest): string[] {
  const sent = namesSent(request);
  return (sent.length > 0 ? sent : [isPlain(request) ? plainNameFor(request) : STRICT]).map(cleared);
}

/**
 * The secret that the request brings: the strict cookie's, where there is one. Of two cookies of the name neither counts: somebody has put
 * one beside ours, and which is which cannot be told.
 */
export function readSessionCookie(request: FastifyRequest): string | undefined {
  const strict = valuesIn(request, STRICT);
  const found = strict.length > 0 || !isPlain(request) ? strict : valuesIn(request, plainNameFor(request));
  return found.length === 1 && found[0] !== '' ? found[0] : undefined;
}

function cookie(name: string, value: string, seconds: number): string {
  const secure = name === STRICT ? ['Secure'] : [];
  return [`${name}=${value}`, 'Path=/', 'HttpOnly', 'SameSite=Strict', ...secure, `Max-Age=${seconds}`].join(
    '; ',
  );
}

function cleared(name: string): string {
  return cookie(name, '', 0);
}

function namesSent(request: FastifyRequest): string[] {
  return [STRICT, plainNameFor(request)].filter((name) => valuesIn(request, name).length > 0);
}

function valuesIn(request: FastifyRequest, name: string): string[] {
  return (
    valuesOf(request.raw.rawHeaders, 'cookie')
      .flatMap((value) => value.split(';'))
      // Space and tab alone: `trim` takes more for white space than browsers do, U+00A0 too, and made another name of it ours.
      .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
      .filter((pair) => pair.startsWith(`${name}=`))
      .map((pair) => pair.slice(name.length + 1))
  );
}

/** Whether the browser is on this machine and speaks no TLS. What a proxy says of itself can only make the cookie stricter. */
function isPlain(request: FastifyRequest): boolean {
  const protocols = valuesOf(request.raw.rawHeaders, 'x-forwarded-proto').join();
  return isLoopback(hostOf(request).hostname) && !/\bhttps\b/i.test(protocols);
}

/**
 * The same of what the browser says as it signs in. A proxy that is told nothing else names this process as the host, whichever one the
 * browser knows, and says nothing of TLS; the browser knows.
 */
function isPlainOrigin(origin: string): boolean {
  const url = URL.parse(origin);
  return url?.protocol === 'http:' && isLoopback(bare(url.hostname));
}

function plainNameFor(request: FastifyRequest): string {
  return `qm_session_${hostOf(request).port}`;
}

/** The host by which the browser knows us, or the proxy. */
function hostOf(request: FastifyRequest): { hostname: string; port: string } {
  const url = URL.parse(`http://${request.raw.headers.host ?? ''}`);
  if (url === null) return { hostname: '', port: '' };
  return { hostname: bare(url.hostname), port: url.port === '' ? '80' : url.port };
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
