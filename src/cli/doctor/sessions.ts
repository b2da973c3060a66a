import {
  type ConnectionFacts,
  type Holder,
  readConnections,
  readHolders,
} from '../../db/inspect-sessions.ts';
import { formatBytes } from '../terminal.ts';
import { type Answer, type Check, type Fault, failed, skipped, some, warned } from './check.ts';
import type { Setup } from './setup.ts';
import { ANY_WAY } from './way.ts';

export const sessionChecks: readonly Check[] = [
  {
    name: 'connections',
    group: 'Sessions',
    check: 'there are connections enough for all processes',
    looks:
      'max_connections, those that are reserved, those in use, and QM_POOL_MAX of every process that is seen',
    means: 'Processes that start, or get busy, are refused: “too many clients”.',
    advice: 'Lower QM_POOL_MAX, put PgBouncer in front of QM_DATABASE_URL, or raise max_connections.',
    needs: [ANY_WAY],
    ask: async (setup) => judgeConnections(await readConnections(await setup.db()), setup.config().poolMax),
  },
  {
    name: 'idle-in-transaction',
    group: 'Sessions',
    check: 'nobody sits idle in a transaction',
    looks: 'sessions that have begun a transaction and asked nothing since',
    means:
      'Old versions of rows are kept for them, so balances bloat; and the detach of a quarter waits for them.',
    advice:
      'Find out whose it is and end it: SELECT pg_terminate_backend(PROCESS). Set idle_in_transaction_session_timeout = 5min for that role.',
    needs: [ANY_WAY],
    ask: (setup) => judgeHeld(setup, 'idle', setup.limits.idleInTransaction),
  },
  {
    name: 'long-transactions',
    group: 'Sessions',
    check: 'no transaction is open for hours',
    looks: 'transactions that were begun long ago, and those that were prepared and forgotten',
    means:
      'Nothing that died since can be cleaned away, in any table; and the detach of a quarter waits for them.',
    advice:
      'End it: SELECT pg_terminate_backend(PROCESS); a prepared one by ROLLBACK PREPARED with its name.',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const prepared = await judgeHeld(setup, 'prepared', setup.limits.prepared);
      return prepared?.outcome === 'advice'
        ? prepared
        : judgeHeld(setup, 'long', setup.limits.longTransaction);
    },
  },
  {
    name: 'replication-slots',
    group: 'Sessions',
    check: 'no replication slot waits for somebody who is gone',
    looks: 'slots that nobody reads, and the WAL that is kept for them',
    means: 'The WAL grows until the disk is full, and PostgreSQL stops.',
    advice: 'If its reader does not come back, drop it: SELECT pg_drop_replication_slot(NAME).',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const { holders } = await readHolders(await setup.db());
      return judgeSlots(holders, setup.limits.slotWal);
    },
  },
];

/** Each process has a pool for each way, one connection to look, and a worker four for the queue. */
export function judgeConnections(
  { used, limit, reserved, serving }: ConnectionFacts,
  poolMax: number,
): Fault | undefined {
  const room = limit - reserved;
  const wanted = serving * (2 * poolMax + 1) + (serving > 0 ? 4 : 0);
  if (used >= room * 0.9) return failed(`${used} of ${room} connections are in use.`);
  if (used >= room * 0.75) return warned(`${used} of ${room} connections are in use.`);
  if (wanted <= room) return undefined;
  return warned(
    `${serving} processes with QM_POOL_MAX=${poolMax} may open up to ${wanted} connections, and the server has ${room} to give (max_connections ${limit}, of which ${reserved} reserved).`,
  );
}

async function judgeHeld(setup: Setup, kind: Holder['kind'], seconds: number): Promise<Answer> {
  const { holders, hidden } = await readHolders(await setup.db());
  const held = holders
    .filter((one) => one.kind === kind && (one.seconds ?? 0) >= seconds)
    .sort((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0));
  if (held.length > 0) {
    const told = held.map((one) => `${one.who} for ${duration(one.seconds ?? 0)}`);
    return warned(`${some(told)}.`);
  }
  if (hidden === 0 || kind === 'prepared') return undefined;
  return skipped(
    `${hidden} sessions are of roles that this one is told nothing of. Grant it pg_read_all_stats to look at them too.`,
  );
}

export function judgeSlots(holders: readonly Holder[], most: number): Fault | undefined {
  const slots = holders.filter(({ kind }) => kind === 'slot');
  if (slots.length === 0) return undefined;
  const told = slots.map(
    ({ who, bytes }) => `${who}${bytes === null ? '' : ` keeps ${formatBytes(bytes)} of WAL`}`,
  );
  const isMuch = slots.some(({ bytes }) => (bytes ?? 0) >= most);
  return (isMuch ? failed : warned)(`Nobody reads ${some(told)}.`);
}

export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} hours` : `${Math.round(seconds / 86_400)} days`;
}
