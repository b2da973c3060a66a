import { describe, expect, it } from 'vitest';
import { watchReads } from '../../src/main/measured-database.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { countsOf, samplesOf } from '../platform/metrics-samples.ts';

const report = { reason: 'well', detail: '' } as const;

describe('reads', () => {
  it('are counted by where they went and why', async () => {
    const metrics = createMetrics();
    const { onRoute } = watchReads(metrics, { hasReplica: true });
    onRoute({ kind: 'list', server: 'replica' });
    onRoute({ kind: 'list', server: 'primary', why: 'position' });
    onRoute({ kind: 'summary', server: 'primary', why: 'state' });
    watchReads(metrics, { hasReplica: false }).onRoute({ kind: 'list', server: 'primary', why: 'class' });
    expect(await countsOf(metrics.page, 'reads_total')).toEqual({
      '{kind="list",server="replica",why="none"}': 1,
      '{kind="list",server="primary",why="position"}': 1,
      '{kind="summary",server="primary",why="state"}': 1,
      '{kind="list",server="primary",why="no_replica"}': 1,
    });
  });
});

describe('the replica', () => {
  it('has a state, and a lag where one is known', async () => {
    const metrics = createMetrics();
    const { onReplicaLook } = watchReads(metrics, { hasReplica: true });
    expect(Object.keys(await samplesOf(metrics.page)).filter((name) => /^replica/.test(name))).toEqual([]);
    onReplicaLook({ ...report, state: 'ok', lagMs: 250 });
    expect(await samplesOf(metrics.page)).toMatchObject({
      replica_lag_seconds: 0.25,
      'replica_state{state="ok"}': 1,
      'replica_state{state="away"}': 0,
    });
    onReplicaLook({ ...report, state: 'ok', lagMs: 0 });
    expect((await samplesOf(metrics.page)).replica_lag_seconds).toBe(0);
    onReplicaLook({ ...report, state: 'away', lagMs: undefined });
    const away = await samplesOf(metrics.page);
    expect(away).not.toHaveProperty('replica_lag_seconds');
    expect(away).toMatchObject({ 'replica_state{state="ok"}': 0, 'replica_state{state="away"}': 1 });
  });
});
