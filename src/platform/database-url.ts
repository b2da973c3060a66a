import { isLoopback } from '../core/loopback.ts';

/**
 * What `sslmode` may be. Whoever asks for TLS gets it verified, the name of the server included: `require` and `verify-ca` are taken for
 * `verify-full`. In libpq they check less, and node-postgres means to follow it one day; a connection must not become weaker by an update.
 * `prefer` and `allow` are refused, for they promise nothing.
 */
const modes = ['disable', 'no-verify', 'require', 'verify-ca', 'verify-full'] as const;
const verifying: readonly string[] = ['require', 'verify-ca', 'verify-full'];

/** For the text of an error. */
export const SSL_MODES =
  'sslmode, if given, is verify-full (or require, which means the same here), no-verify or disable';

export function hasKnownMode(url: string): boolean {
  const mode = parametersOf(url)?.get('sslmode');
  return mode === undefined || mode === null || modes.some((one) => one === mode);
}

/** The URL as it is connected to: with the one mode that verifies. `sslrootcert=system` is what Node trusts, as in libpq. */
export function verifiedUrl(url: string | undefined): string | undefined {
  const parameters = url === undefined ? undefined : parametersOf(url);
  if (url === undefined || parameters === undefined) return url;
  const mode = parameters.get('sslmode');
  const asks = mode === null ? parameters.has('sslrootcert') : verifying.includes(mode);
  if (!asks) return url;
  // By text, so that nothing else of it is written in another way.
  const bare = url.replace(
    /([?&])(?:sslmode=[^&#]*|sslrootcert=system(?=&|#|$)|uselibpqcompat=[^&#]*)/g,
    '$1',
  );
  return `${bare}${bare.includes('?') ? '&' : '?'}sslmode=verify-full`.replace(/([?&])&+/g, '$1');
}

/** How well a connection is kept from others: it stays on this machine, or is encrypted to a server that is known, or to any, or is not. */
export type Protection = 'local' | 'verified' | 'unverified' | 'plain';

export function protectionOf(url: string): { readonly host: string; readonly protection: Protection } {
  const parameters = parametersOf(url);
  const host = parameters?.get('host') ?? (URL.parse(url)?.hostname ?? '').replace(/^\[(.*)\]$/, '$1');
  const mode = parameters?.get('sslmode');
  if (host === '' || host.startsWith('/') || isLoopback(host)) return { host, protection: 'local' };
  if (mode === 'no-verify') return { host, protection: 'unverified' };
  return {
    host,
    protection: mode !== undefined && mode !== null && verifying.includes(mode) ? 'verified' : 'plain',
  };
}

function parametersOf(url: string): URLSearchParams | undefined {
  return URL.parse(url)?.searchParams;
}
