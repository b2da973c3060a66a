import { expect, it } from 'vitest';
import { describeChart, refusals } from './helm.ts';

const sources = (range: string) => ({ api: { service: { loadBalancerSourceRanges: [range] } } });

/** What the schema says of a value that the API server would refuse, when half of the rest is there already. */
const bySchema: readonly [string, object, RegExp][] = [
  ['a label that is none', { commonLabels: { team: 'a b' } }, /commonLabels.team/],
  ['a label of pods that is too long', { api: { podLabels: { team: 'a'.repeat(64) } } }, /podLabels.team/],
  ['a label with a name that is none', { worker: { podLabels: { 'a b': 'c' } } }, /property ?name.*a b/i],
  ['a life of two successes', { api: { livenessProbe: { successThreshold: 2 } } }, /livenessProbe.successT/],
  ['a start of two', { worker: { startupProbe: { successThreshold: 2 } } }, /startupProbe.successThreshold/],
  ['an address that is no range', sources('10.0.0.1'), /loadBalancerSourceRanges/],
  ['a range that is too narrow', sources('10.0.0.0/33'), /loadBalancerSourceRanges/],
  ['a port that is no port of nodes', { api: { service: { nodePort: 7070 } } }, /service.nodePort/],
  ['a budget of more than all', { api: { podDisruptionBudget: { minAvailable: '101%' } } }, /minAvailable/],
];

/** The sentence that says what the API server would refuse, or what would never come to an end. */
const byTemplates: readonly [string, object, string][] = [
  [
    'a variable that the chart gives',
    {
      database: { ca: { secretName: 'a' } },
      api: { extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/x' }] },
    },
    'api.extraEnv has NODE_EXTRA_CA_CERTS, which is there already',
  ],
  [
    'a key of the store that is there already',
    {
      store: { s3: { credentials: { secretName: 'a' } } },
      worker: { extraEnv: [{ name: 'AWS_ACCESS_KEY_ID', valueFrom: {} }] },
    },
    'worker.extraEnv has AWS_ACCESS_KEY_ID, which is there already',
  ],
  ...['migrations', 'toolbox'].map((where): [string, object, string] => [
    `a variable twice in ${where}`,
    { [where]: { extraEnv: ['1', '2'].map((value) => ({ name: 'TWICE', value })) } },
    `${where}.extraEnv has TWICE, which is there already`,
  ]),
  [
    'a second volume of a name',
    { migrations: { extraVolumes: [{ name: 'tmp', emptyDir: {} }] } },
    'migrations.extraVolumes has tmp, which is there already',
  ],
  [
    'a second mount at a place',
    { worker: { extraVolumeMounts: [{ name: 'x', mountPath: '/tmp/' }] } },
    'worker.extraVolumeMounts has /tmp, where something is mounted already',
  ],
  [
    'a second container of a name',
    { api: { extraContainers: [{ name: 'api', image: 'x' }] } },
    'api has two containers called api',
  ],
  [
    'an update that replaces nothing',
    { worker: { strategy: { rollingUpdate: { maxSurge: 0 } } } },
    'worker.strategy.rollingUpdate has neither maxSurge nor maxUnavailable, so no pod could be replaced',
  ],
  [
    'a budget without a number',
    { api: { podDisruptionBudget: { maxUnavailable: null } } },
    'api.podDisruptionBudget has neither maxUnavailable nor minAvailable',
  ],
  [
    'a share that is rounded up to all',
    { api: { podDisruptionBudget: { minAvailable: '75%' } } },
    'api.podDisruptionBudget.minAvailable is 75% of 2 pods: no node with such a pod could ever be drained',
  ],
  [
    'a budget that keeps the one worker of KEDA',
    {
      ...{ database: { maxConnections: 200 } },
      worker: {
        keda: { enabled: true, prometheus: { serverAddress: 'http://p' } },
        podDisruptionBudget: { minAvailable: 1 },
      },
    },
    'worker.podDisruptionBudget.minAvailable is 1 of 1 pods',
  ],
];

describeChart('what the API server would refuse', () => {
  it.each(bySchema)('is refused by the schema: %s', async (_, values, wanted) => {
    for (const said of await refusals({ values })) expect(said).toMatch(wanted);
  });

  it.each(byTemplates)('is refused by a sentence: %s', async (_, values, wanted) => {
    for (const said of await refusals({ values })) expect(said).toContain(wanted);
  });
});
