import { isLoopback } from '../core/loopback.ts';
import { type Key, makeKey } from '../ledger/keys.ts';
import type { Config } from '../platform/config.ts';

/** How the API of this process is called by who started it. */
export interface ProcessKey {
  /** For the API, beside those of the database. */
  readonly keys: readonly Key[];
  /** What is printed before commands that send `Authorization: Bearer $KEY`. */
  readonly says: string;
  /** Undefined where there is no key. */
  readonly token?: string;
}

/**
 * A key that may do everything, known to this process alone and gone with it. There is none when others than this machine
 * reach the API: what is printed on a screen must not open a ledger to a network.
 */
export function createProcessKey({ host }: Pick<Config, 'host'>, name: string): ProcessKey {
  if (!isLoopback(host)) {
    const says = `Others than this machine may reach ${host}, so there is no key yet. With QM_DATABASE_URL set, make one:

  KEY=$(quartermaster keys create --name me --role admin)`;
    return { keys: [], says };
  }
  const { key, token } = makeKey({ name, roles: ['admin'], ledgers: null });
  return {
    keys: [key],
    token,
    says: `This key may do everything, until the process ends:\n\n  KEY=${token}`,
  };
}
