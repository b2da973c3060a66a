import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServerSide } from '../../src/db/read-only.ts';
import {
  createReplicaMonitor,
  type MonitorOptions,
  type ReplicaReport,
} from '../../src/db/replica-monitor.ts';

describe('the monitor', () => {
  const well: ServerSide = { isStandby: true, replayed: 100n };

  /** A monitor that sees what the script holds, one item a look, and the last for ever. */
  async function watching(
    script: (ServerSide | Error)[],
    options: Partial<MonitorOptions> = {},
  ): Promise<{
    reports: ReplicaReport[];
    looks: boolean[];
    monitor: ReturnType<typeof createReplicaMonitor>;
  }> {
    const reports: ReplicaReport[] = [];
    const looks: boolean[] = [];
    const monitor = createReplicaMonitor({
      maxLagMs: 1000,
      intervalMs: 1,
      primaryPosition: async () => 100n,
      look: async (anew) => {
        looks.push(anew);
        const seen = script.length > 1 ? script.shift() : script[0];
        if (seen instanceof Error) throw seen;
        return seen as ServerSide;
      },
      onChange: (report) => reports.push(report),
      ...options,
    });
    await monitor.start();
    onTestFinished(() => monitor.stop());
    return { reports, looks, monitor };
  }

  const until = async (condition: () => boolean) => {
    while (!condition()) await delay(1);
  };

  it('does not take a primary that rests for a replica that lags', async () => {
    const { reports, looks, monitor } = await watching([well], { maxLagMs: 10 });
    await until(() => looks.length > 50);
    expect(reports).toMatchObject([{ state: 'ok', reason: 'well', lagMs: 0 }]);
    expect(monitor.floor()).toBe(100n);
  });

  it('tells what each look finds, also while nothing changes', async () => {
    let position = 100n;
    const told: ReplicaReport[] = [];
    const { reports } = await watching([well], {
      maxLagMs: 60_000,
      primaryPosition: async () => position++,
      onLook: (report) => told.push(report),
    });
    await until(() => told.length > 5 && (told.at(-1)?.lagMs ?? 0) > 1);
    expect(reports).toHaveLength(1);
    expect(new Set(told.map(({ state }) => state))).toEqual(new Set(['ok']));
    expect(told[0]).toMatchObject({ lagMs: 0 });
  });

  it('sees one that does not follow', async () => {
    let position = 100n;
    const { reports, monitor } = await watching([well], {
      maxLagMs: 10,
      primaryPosition: async () => position++,
    });
    expect(monitor.floor()).toBe(100n);
    await until(() => reports.at(-1)?.state === 'lagging');
    expect(reports.at(-1)).toMatchObject({
      reason: 'behind',
      lagMs: expect.toSatisfy((ms: number) => ms >= 10),
    });
    expect(monitor.floor()).toBeUndefined();
  });

  it('uses it after a failure when it looked well twice in a row, the second time over a new connection', async () => {
    const away = new Error('away');
    const { reports, looks } = await watching([well, well, away, well, away, well, well, well]);
    await until(() => looks.length > 8);
    expect(reports.map(({ state }) => state)).toEqual(['ok', 'away', 'ok']);
    expect(looks.slice(0, 8)).toEqual([true, false, false, true, true, true, true, false]);
  });

  it('believes a failed read more than an answer that was under way', async () => {
    const answer = Promise.withResolvers<ServerSide>();
    let looks = 0;
    const { reports, monitor } = await watching([], {
      look: () => (++looks === 2 ? answer.promise : Promise.resolve(well)),
    });
    await until(() => looks === 2);
    monitor.suspect('A read failed.');
    expect(monitor.floor()).toBeUndefined();
    answer.resolve(well);
    await until(() => reports.at(-1)?.state === 'ok');
    // The one under way did not count: two more were needed.
    expect(looks).toBe(4);
    expect(reports).toMatchObject([
      { state: 'ok' },
      { state: 'away', detail: 'A read failed.' },
      { state: 'ok' },
    ]);
  });

  it('goes on with the replica while the primary is away, once it knows where that stood', async () => {
    let isAway = false;
    const { reports, looks, monitor } = await watching([well], {
      primaryPosition: async () => {
        if (isAway) throw new Error('away');
        return 100n;
      },
    });
    isAway = true;
    await until(() => looks.length > 5);
    expect(monitor.floor()).toBe(100n);
    expect(reports).toHaveLength(1);
    const blind = await watching([well], { primaryPosition: () => Promise.reject(new Error('away')) });
    expect(blind.reports).toMatchObject([{ state: 'away' }]);
  });

  it.each([
    ['takes writes itself', { isStandby: false, replayed: 100n }, 'no_standby'],
    ['follows another primary', { ...well, isForeign: true }, 'foreign'],
    ['does not tell what it has replayed', { isStandby: true, replayed: undefined }, 'failed'],
  ])('does not use a server that %s', async (_, side, reason) => {
    const { reports, monitor } = await watching([side]);
    expect(reports).toMatchObject([{ state: 'away', reason }]);
    expect(monitor.floor()).toBeUndefined();
  });
});
