import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { judgeCancels } from '../../src/cli/doctor/replica.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type Replication, startReplication } from '../support/replica.ts';
import { breaks, findingsOf, run } from './doctor.ts';

let servers: Replication;
let other: TestDatabase;
beforeAll(async () => {
  [servers, other] = await Promise.all([startReplication(), createDatabase()]);
});
afterAll(async () => {
  await Promise.all([servers?.stop(), other?.drop()]);
});

const env = () => ({ QM_DATABASE_URL: servers.primary.url, QM_REPLICA_URL: servers.replica.url });

describe('a replica', () => {
  it('is well where it follows and keeps up', async () => {
    const names = ['replica-answers', 'replica-follows', 'replica-lag', 'replica-wanted'];
    const findings = await findingsOf({ env: env(), limits: { replicaFrom: 1 } }, ...names);
    expect(findings.map(({ name, outcome }) => [name, outcome])).toEqual(names.map((name) => [name, 'ok']));
  });

  breaks('takes-writes', 'a standby in the place of the primary', () => ({
    env: { QM_DATABASE_URL: servers.replica.url },
    outcome: 'failed',
    found: /^It is a standby\.$/,
    advice: /Point QM_DATABASE_URL/,
  }));
  breaks('replica-answers', 'a replica that is away, which hides nothing else', () => ({
    env: { ...env(), QM_REPLICA_URL: 'postgres://app:secret@127.0.0.1:1/none' },
    outcome: 'failed',
    found: /Nobody listens.*QM_REPLICA_URL/,
  }));
  breaks('replica-follows', 'a primary in the place of the replica', () => ({
    env: { ...env(), QM_REPLICA_URL: servers.primary.url },
    outcome: 'failed',
    found: /takes writes itself/,
  }));
  breaks('replica-follows', 'a standby of somebody else', () => ({
    env: { QM_DATABASE_URL: other.url, QM_REPLICA_URL: servers.replica.url },
    outcome: 'failed',
    found: /another primary: the system \d+, database quartermaster, and not \d+, qm_/,
  }));
  breaks('replica-lag', 'a replay that somebody has paused', async () => {
    await servers.replica.pauseReplay();
    onTestFinished(() => servers.replica.resumeReplay());
    await run(servers.primary.adminUrl, 'CREATE TABLE public.more AS SELECT generate_series(1, 1000) AS n');
    return {
      env: env(),
      limits: { lagSeconds: 1 },
      outcome: 'advice',
      found: /After 1 s it still lacks .*, and its replay is paused/,
      advice: /pg_wal_replay_resume/,
    };
  });
  breaks('replica-cancels', 'a replay that waits for no reader', () => ({
    env: env(),
    outcome: 'advice',
    found: /hot_standby_feedback is off, and max_standby_streaming_delay 0 s/,
  }));
  it('cancels nothing where it waits, or tells the primary what it reads', () => {
    const of = (delay: string, feedback: string) => {
      const row = (name: string, setting: string, unit: string | null) =>
        [name, { name, setting, unit, source: 'configuration file' }] as const;
      const settings = new Map([
        row('max_standby_streaming_delay', delay, 'ms'),
        row('hot_standby_feedback', feedback, null),
      ]);
      return judgeCancels(settings)?.outcome;
    };
    expect([of('30000', 'off'), of('-1', 'off'), of('0', 'on'), of('0', 'off')]).toEqual([
      ...[undefined, undefined, undefined, 'advice'],
    ]);
  });
  breaks('replica-wanted', 'a large database without one', () => ({
    env: { QM_DATABASE_URL: servers.primary.url },
    limits: { replicaFrom: 1 },
    outcome: 'advice',
    found: /has .* MiB and no replica/,
  }));
});
