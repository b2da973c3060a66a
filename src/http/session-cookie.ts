import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../core/loopback.ts';
import { valuesOf } from './raw-headers.ts';

/**
 * The cookie that holds the secret of a session. It is out of reach of scripts, is sent to no other site's requests, and only over
 * TLS: the prefix `__Host-` makes the browser see to that, and to it that no other host of the domain has set it (RFC 6265bis,
 * section 4.1.3.2). On this machine alone, where there is no TLS and nobody listens in between, it is a plain one, named for the port:
 * cookies know hosts and no ports, and two processes on one machine would sign each other's people out.
 */
export function cookieNameFor(request: FastifyRequest): string {
  const { hostname, port } = hostOf(request);
  return isPlain(request, hostname) ? `qm_session_${port}` : '__Host-qm_session';
}

/** What the browser is told to keep for so many seconds. */
export function sessionCookie(request: FastifyRequest, secret: string, seconds: number): string {
  const parts = [`${cookieNameFor(request)}=${secret}`, 'Path=/', 'HttpOnly', 'SameSite=Strict'];
  if (!isPlain(request, hostOf(request).hostname)) parts.push('Secure');
  return [...parts, `Max-Age=${seconds}`].join('; ');
}

export function clearedCookie(request: FastifyRequest): string {
  return sessionCookie(request, '', 0);
}

/**
 * The secret that the request brings. Of two cookies of the name neither counts: somebody has put one beside ours, and which
 * is which cannot be told.
 */
export function readSessionCookie(request: FastifyRequest): string | undefined {
  const name = cookieNameFor(request);
  const found = valuesOf(request.raw.rawHeaders, 'cookie')
    .flatMap((value) => value.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return found.length === 1 && found[0] !== '' ? found[0] : undefined;
}

function isPlain(request: FastifyRequest, hostname: string): boolean {
  // What a proxy on this machine says of itself can only make the cookie stricter.
  const proxied = valuesOf(request.raw.rawHeaders, 'x-forwarded-proto')[0];
  return isLoopback(hostname) && proxied !== 'https';
}

/** The host by which the browser knows us. */
function hostOf(request: FastifyRequest): { hostname: string; port: string } {
  try {
    const { hostname, port } = new URL(`http://${request.raw.headers.host ?? ''}`);
    return { hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? '80' : port };
  } catch {
    return { hostname: '', port: '' };
  }
}
