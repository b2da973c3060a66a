import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** An address has 45 characters at most (RFC 4291, section 2.2), but a zone behind it may have any number. */
const LONGEST = 45;

/**
 * Who is counted as one client: the address that a trusted proxy names (QM_TRUSTED_PROXIES), where it is one, else that of whoever has
 * connected. Of IPv6 the first 64 bits, for whoever has one address there has all that begin as it does.
 */
export function clientOf({ ip, raw }: FastifyRequest): string {
  const address = ip.length <= LONGEST && isIP(ip) !== 0 ? ip : (raw.socket.remoteAddress ?? '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  return isIP(address) === 6 ? networkOf(address) : address;
}

/** The first four groups of an IPv6 address, which may leave zeros out and end as an IPv4 one. */
function networkOf(address: string): string {
  const [before = '', after] = address.replace(/%.*$/, '').split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const length = head.length + tail.length + (address.includes('.') ? 1 : 0);
  const zeros = after === undefined ? [] : Array<string>(8 - length).fill('0');
  const groups = [...head, ...zeros, ...tail].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
