import { replayedOf, writtenBy } from '../../db/inspect-replica.ts';
import { amountOf, readLoad, readServerSettings, type Settings } from '../../db/inspect-settings.ts';
import type { Look } from '../../db/look.ts';
import { formatBytes } from '../terminal.ts';
import { type Check, type Fault, failed, skipped, warned } from './check.ts';
import { duration } from './sessions.ts';
import { ANY_WAY, judgeReplicaWay } from './way.ts';

const NONE = 'QM_REPLICA_URL is not set.';

export const replicaChecks: readonly Check[] = [
  {
    name: 'replica-answers',
    group: 'The replica',
    check: 'the replica answers',
    looks: 'a connection by QM_REPLICA_URL',
    means: 'All reads go to the primary, which has to bear them.',
    advice: 'Correct QM_REPLICA_URL, or start the replica.',
    needs: ['settings'],
    ask: async (setup) => (setup.look('replica') === undefined ? skipped(NONE) : judgeReplicaWay(setup)),
  },
  {
    name: 'replica-follows',
    group: 'The replica',
    check: 'the replica is a standby of this primary',
    looks: 'whether QM_REPLICA_URL leads to a server in recovery with the same files as QM_DATABASE_URL',
    means: 'It is left alone, and all reads go to the primary; or, promoted, there are two ledgers.',
    advice:
      'Point QM_REPLICA_URL at a standby of the server of QM_DATABASE_URL; if it was promoted, find out which of the two is the ledger before anything else.',
    needs: ['replica-answers', ANY_WAY],
    ask: async (setup) => {
      const [replica, primary] = await Promise.all([
        setup.identity('replica'),
        setup.identity('direct').catch(() => setup.identity('write')),
      ]);
      if (!replica.isStandby)
        return failed(`QM_REPLICA_URL leads to a server that takes writes itself (${replica.database}).`);
      const isOther =
        replica.system !== undefined && primary.system !== undefined && replica.system !== primary.system;
      return isOther || replica.oid !== primary.oid
        ? failed(
            `It is a standby of another primary: the system ${replica.system}, database ${replica.database}, and not ${primary.system}, ${primary.database}.`,
          )
        : undefined;
    },
  },
  {
    name: 'replica-lag',
    group: 'The replica',
    check: 'the replica keeps up',
    looks:
      'how long it takes the replica to replay what the primary has written by now, up to QM_REPLICA_MAX_LAG',
    means: 'It is left alone while it lags, and reads go to the primary.',
    advice:
      'See what it waits for: a long query there (pg_stat_activity), its disk, or the network between the two.',
    needs: ['replica-follows', ANY_WAY],
    ask: async (setup) => {
      const most = Math.min(setup.config().replicaMaxLag, setup.limits.lagSeconds);
      const target = await writtenBy(await setup.db());
      const behind = await replayedOf((setup.look('replica') as Look).db, target, most);
      if (behind === undefined) return undefined;
      const paused = behind.paused ? ', and its replay is paused' : '';
      return warned(
        `After ${duration(most)} it still lacks ${formatBytes(behind.bytes)} of what the primary had written${paused}.`,
        behind.paused ? 'Run on the replica: SELECT pg_wal_replay_resume().' : undefined,
      );
    },
  },
  {
    name: 'replica-cancels',
    group: 'The replica',
    check: 'the replica lets reads come to their end',
    looks: 'hot_standby_feedback and max_standby_streaming_delay of the replica',
    means: 'Long reads there are cancelled, and begun again on the primary.',
    advice: 'Set hot_standby_feedback = on, or max_standby_streaming_delay = 30s, on the replica.',
    needs: ['replica-follows'],
    ask: async (setup) => judgeCancels(await readServerSettings((setup.look('replica') as Look).db)),
  },
  {
    name: 'replica-wanted',
    group: 'The replica',
    check: 'a large ledger has a replica',
    looks: 'the size of the database, where QM_REPLICA_URL is not set',
    means: 'Reports and long lists slow down posting.',
    advice: 'Set up a streaming standby, and QM_REPLICA_URL to it.',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const { bytes } = await readLoad(await setup.db());
      if (setup.look('replica') !== undefined || bytes < setup.limits.replicaFrom) return undefined;
      return warned(`The database has ${formatBytes(bytes)} and no replica.`);
    },
  },
];

export function judgeCancels(settings: Settings): Fault | undefined {
  const delay = amountOf(settings, 'max_standby_streaming_delay');
  if (delay === undefined || delay < 0 || delay >= 10_000) return undefined;
  return settings.get('hot_standby_feedback')?.setting === 'off'
    ? warned(`hot_standby_feedback is off, and max_standby_streaming_delay ${delay / 1000} s.`)
    : undefined;
}
