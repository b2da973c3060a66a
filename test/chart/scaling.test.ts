import { expect, it } from 'vitest';
import { describeChart, only, type Rendered, render } from './helm.ts';

/** What the chart makes with KEDA and these of its values. */
const withKeda = (keda: object, worker: object = {}) =>
  render({
    values: {
      worker: { ...worker, keda: { enabled: true, ...keda } },
      database: { maxConnections: 200 },
    },
  });
const prometheus = { serverAddress: 'http://p' };
const windowOf = (objects: readonly Rendered[]) =>
  only(objects, 'ScaledObject').spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown;

describeChart('KEDA', () => {
  it('waits on the way down by the autoscaler that it makes, beside what else is given for that', async () => {
    const objects = await withKeda({
      prometheus,
      cooldownPeriod: 120,
      advanced: { restoreToOriginalReplicaCount: true },
    });
    expect(only(objects, 'ScaledObject').spec.advanced.restoreToOriginalReplicaCount).toBe(true);
    expect(windowOf(objects)).toEqual({ stabilizationWindowSeconds: 120 });
    expect(only(objects, 'ScaledObject').spec).not.toHaveProperty('cooldownPeriod');
    const scaleDown = { stabilizationWindowSeconds: 0, selectPolicy: 'Max' };
    const advanced = { horizontalPodAutoscalerConfig: { behavior: { scaleDown } } };
    expect(windowOf(await withKeda({ prometheus, advanced }))).toEqual(scaleDown);
  });

  it('falls back only where it can: to an average that is no use of a processor or of memory', async () => {
    const fallback = async (keda: object) => only(await withKeda(keda), 'ScaledObject').spec.fallback;
    const wanted = { failureThreshold: 3, replicas: 2 };
    const cpu = { type: 'cpu', metricType: 'Utilization', metadata: { value: '60' } };
    const memory = { type: 'memory', metricType: 'AverageValue', metadata: { value: '1Gi' } };
    const queue = { type: 'postgresql', metadata: { query: 'x' } };
    expect(await fallback({ prometheus })).toEqual(wanted);
    expect(await fallback({ triggers: [cpu, queue] })).toEqual(wanted);
    expect(await fallback({ triggers: [cpu, memory] })).toBeUndefined();
    expect(await fallback({ triggers: [{ ...queue, metricType: 'Value' }] })).toBeUndefined();
  });

  it('has a budget for its workers, which are one only while there is little to do', async () => {
    const budget = only(await withKeda({ prometheus }), 'PodDisruptionBudget', 'worker');
    expect(budget.spec.maxUnavailable).toBe(1);
    const alone = await withKeda({ prometheus, maxReplicaCount: 1, fallbackReplicas: 1 });
    expect(() => only(alone, 'PodDisruptionBudget', 'worker')).toThrow('0 of');
  });
});

describeChart('a budget', () => {
  it('of shares stands where one pod may go', async () => {
    const budget = { maxUnavailable: null, minAvailable: '75%' };
    const values = { api: { replicas: 4, podDisruptionBudget: budget }, database: { maxConnections: 200 } };
    const { spec } = only(await render({ values }), 'PodDisruptionBudget', 'api');
    expect(spec.minAvailable).toBe('75%');
  });
});
