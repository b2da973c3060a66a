import { expect, it } from 'vitest';
import { argumentsOf, describeChart, helms, type RenderOptions, runHelm } from './helm.ts';
import { startStandIn } from './stand-in.ts';

/** What an operator reads after an install. */
async function notes(options: RenderOptions = {}): Promise<string> {
  const { code, out, err } = await runHelm('helm4', ['install', '--dry-run=client', ...argumentsOf(options)]);
  if (code !== 0) throw new Error(err);
  return out.slice(out.indexOf('NOTES:'));
}

/** The figures at the ends of the lines of the sum, by how the line begins. */
function figures(text: string): Record<string, number> {
  const sum = text.slice(text.indexOf('CONNECTIONS'), text.indexOf('WHAT IS NEXT'));
  const lines = sum.matchAll(
    /^ {2}(api|worker|migration|pooler|others|together|max_connections)\b.*? (\d+)$/gm,
  );
  return Object.fromEntries(Array.from(lines, ([, name, figure]) => [name, Number(figure)]));
}

/** Pods with those of an update, times the pools of a process; and what is beside them. */
const sums: readonly [string, RenderOptions, Record<string, number>][] = [
  ['two pods of each', {}, { api: 3 * 20, worker: 3 * 24, migration: 4, others: 10, together: 146 }],
  [
    'a small pool and no migration',
    {
      values: { config: { QM_POOL_MAX: 4 }, migrations: { mode: 'none' }, database: { otherConnections: 3 } },
    },
    { api: 3 * 8, worker: 3 * 12, others: 3, together: 63 },
  ],
  [
    'pools of their own, an autoscaler, three workers',
    { shape: 'production' },
    { api: 7 * 24, worker: 4 * 20, migration: 4, others: 20, together: 272, max_connections: 300 },
  ],
  [
    'a pooler for short transactions, which keeps forty to the server',
    { shape: 'pooler' },
    {
      api: 3 * 20,
      worker: 3 * 24,
      migration: 4,
      pooler: 40,
      others: 10,
      together: 186,
      max_connections: 250,
    },
  ],
  [
    'the most workers of KEDA',
    { shape: 'keda' },
    { api: 60, worker: 7 * 24, migration: 4, others: 10, together: 242 },
  ],
  [
    'no surge where pods are replaced at once',
    { shape: 'single-node' },
    { api: 2 * 20, worker: 24, migration: 4, others: 10, together: 78 },
  ],
  [
    'a share of the pods as surge, rounded up as Kubernetes does',
    { values: { api: { replicas: 5, strategy: { rollingUpdate: { maxSurge: '25%' } } } } },
    { api: 7 * 20, worker: 72, migration: 4, others: 10, together: 226 },
  ],
];

describeChart('the notes', () => {
  it.each(sums)('add up the connections: %s', async (_, options, wanted) => {
    expect(figures(await notes(options))).toEqual(wanted);
  });

  it('say what a pooler and a replica need', async () => {
    const text = await notes({ shape: 'pooler' });
    // Six pods with twenty connections each to the pooler, and one more each to look how the replica is.
    expect(text).toContain('The pooler needs max_client_conn of 120 or more for these pods.');
    expect(text).toContain('The replica needs 126 connections.');
    expect(text).not.toContain('Give database.poolerConnections');
    expect(await notes({ shape: 'pooler', values: { database: { poolerConnections: 0 } } })).toContain(
      'Give database.poolerConnections, what it keeps to the server.',
    );
  });

  it('say what to compare the sum with where nobody said it', async () => {
    expect(await notes()).toContain('max_connections of the server, which is 100 unless somebody raised it');
    expect(await notes({ shape: 'production' })).not.toContain('unless somebody raised it');
  });

  it('say what is next, and what is missing', async () => {
    const least = await notes();
    expect(least).toContain('helm test demo --namespace ledger --logs');
    expect(least).toContain('exec deploy/demo-quartermaster-worker -- quartermaster doctor');
    expect(least).toContain('port-forward service/demo-quartermaster-api 7070:7070');
    expect(least).toContain('Nobody reads the metrics');
    expect(least).toContain('Nobody is woken');
    expect(least).toContain('Switch on toolbox.enabled for as long as it takes');
    const all = await notes({ shape: 'production' });
    expect(all).toContain('https://ledger.example.com/docs');
    expect(all).not.toMatch(/Nobody|port-forward|Keys travel/);
    expect(await notes({ shape: 'gateway' })).toContain('The schema is yours to bring up to date');
    expect(await notes({ shape: 'gateway' })).toContain('https://ledger.example.com/docs');
    expect(await notes({ shape: 'gateway' })).toContain(
      'exec deploy/ledger-toolbox -- quartermaster keys create',
    );
    expect(await notes({ shape: 'gitops' })).toContain('by a Job of this release');
    expect(await notes({ shape: 'single-node' })).toContain('All pods run on one node');
    expect(await notes({ shape: 'single-node' })).toContain('One worker: while its pod moves');
    const open = { ingress: { enabled: true, hosts: ['ledger.example.com'] } };
    expect(await notes({ values: open })).toContain('Keys travel in headers: give ingress.tls');
  });

  it('are the same of both Helms, without a line that is too long or ends in nothing', async () => {
    const texts: string[] = [];
    for (const helm of helms) {
      const cluster = await startStandIn();
      try {
        const args = [
          'install',
          ...argumentsOf({ shape: 'pooler', args: ['--set', 'networkPolicy.enabled=false'] }),
        ];
        const { out, err } = await runHelm(helm, args, { KUBECONFIG: cluster.kubeconfig });
        expect(out, err).toContain('NOTES:');
        texts.push(out.slice(out.indexOf('NOTES:')).trim());
      } finally {
        await cluster.close();
      }
    }
    expect(texts[0]).toBe(texts[1]);
    const lines = (texts[0] ?? '').split('\n');
    expect(lines.filter((line) => line.length > 150 || line !== line.trimEnd())).toEqual([]);
  });
});
