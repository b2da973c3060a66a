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
  'sslmode, if given, is verify-full (or require, which means the same here), no-verify or disable, and is there once; ssl= is not looked at: write sslmode instead';

export function hasKnownMode(url: string): boolean {
  const parameters = parametersOf(url);
  if (parameters === undefined) return true;
  // node-postgres takes `ssl=no-verify` as well, and of two the last. One parameter is to say what becomes of the connection.
  const given = parameters.getAll('sslmode');
  return (
    !parameters.has('ssl') && given.length <= 1 && given.every((mode) => modes.some((one) => one === mode))
  );
}

/** Whether nothing in the URL says how it is to be connected to, and it leads to another machine. */
export function leavesModeOpen(url: string): boolean {
  const parameters = parametersOf(url);
  return parameters !== undefined && modeOf(parameters) === null && protectionOf(url).protection !== 'local';
}

/** What asks for TLS without naming a mode gets the one that verifies. */
function modeOf(parameters: URLSearchParams): string | null {
  const given = parameters.get('sslmode');
  if (given !== null) return given;
  const asks =
    ['sslrootcert', 'sslcert', 'sslkey'].some((name) => parameters.has(name)) ||
    parameters.get('sslnegotiation') === 'direct';
  return asks ? 'verify-full' : null;
}

/**
 * The URL as it is connected to: with the one mode that verifies, or with the one it has. It names one in any case, for
 * else node-postgres asks PGSSLMODE. `sslrootcert=system` is what Node trusts, as in libpq.
 */
export function verifiedUrl(url: string | undefined): string | undefined {
  const parameters = url === undefined ? undefined : parametersOf(url);
  if (url === undefined || parameters === undefined) return url;
  const mode = modeOf(parameters);
  if (mode === null) return withParameter(url, 'sslmode=disable');
  if (!verifying.includes(mode)) return url;
  // By text, so that nothing else of it is written in another way.
  const bare = url.replace(
    /([?&])(?:sslmode=[^&#]*|sslrootcert=system(?=&|#|$)|uselibpqcompat=[^&#]*)/g,
    '$1',
  );
  return withParameter(bare, 'sslmode=verify-full');
}

function withParameter(url: string, parameter: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${parameter}`.replace(/([?&])&+/g, '$1');
}

/** How well a connection is kept from others: it stays on this machine, or is encrypted to a server that is known, or to any, or is not. */
export type Protection = 'local' | 'verified' | 'unverified' | 'plain';

export function protectionOf(url: string): { readonly host: string; readonly protection: Protection } {
  const parameters = parametersOf(url);
  const host =
    parameters?.getAll('host').at(-1) ?? (URL.parse(url)?.hostname ?? '').replace(/^\[(.*)\]$/, '$1');
  const mode = parameters === undefined ? null : modeOf(parameters);
  if (host === '' || host.startsWith('/') || isLoopback(host)) return { host, protection: 'local' };
  if (mode === 'no-verify') return { host, protection: 'unverified' };
  return { host, protection: mode !== null && verifying.includes(mode) ? 'verified' : 'plain' };
}

function parametersOf(url: string): URLSearchParams | undefined {
  return URL.parse(url)?.searchParams;
}
