import { expect, it } from 'vitest';
import { argumentsOf, describeChart, helms, only, type RenderOptions, render, runHelm } from './helm.ts';
import { startStandIn } from './stand-in.ts';

/** What an operator reads after an install. */
async function notes(options: RenderOptions = {}): Promise<string> {
  const { code, out, err } = await runHelm('helm4', ['install', '--dry-run=client', ...argumentsOf(options)]);
  if (code !== 0) throw new Error(err);
  return out.slice(out.indexOf('NOTES:'));
}

/** The figures at the ends of the lines of the sum, steady and in an update, by how the line begins. */
function figures(text: string): Record<string, [number, number]> {
  const sum = text.slice(text.indexOf('CONNECTIONS'), text.indexOf('WHAT IS NEXT'));
  const lines = sum.matchAll(
    /^ {2}(api|worker|migration|toolbox|pooler|others|together|database\.maxConnections)\b.*? (\d+) +(\d+)$/gm,
  );
  return Object.fromEntries(
    Array.from(lines, ([, name, steady, update]) => [name, [Number(steady), Number(update)]]),
  );
}

/** What is the same in an update. */
const same = (figure: number) => [figure, figure];
const [migration, others] = [same(4), same(10)];

/** Pods times the pools of a process, once and twice; and what is beside them. */
const sums: readonly [string, RenderOptions, Record<string, number[]>][] = [
  [
    'two pods of each, which fit a server as it comes but for an update',
    {},
    {
      ...{ api: [2 * 17, 4 * 17], worker: [2 * 22, 4 * 22], migration, others, together: [92, 170] },
      'database.maxConnections': same(97),
    },
  ],
  [
    'a small pool, no migration, and a pod for people',
    {
      values: {
        ...{ config: { QM_POOL_MAX: 4 }, migrations: { mode: 'none' }, toolbox: { enabled: true } },
        database: { otherConnections: 3, maxConnections: null },
      },
    },
    { api: [18, 36], worker: [28, 56], toolbox: same(4), others: same(3), together: [53, 99] },
  ],
  [
    'pools of their own, an autoscaler, three workers',
    { shape: 'production' },
    {
      ...{ api: [6 * 25, 12 * 25], worker: [3 * 22, 6 * 22], migration, others: same(20) },
      ...{ together: [240, 456], 'database.maxConnections': same(497) },
    },
  ],
  [
    'a pooler for short transactions, which keeps forty to the server',
    { shape: 'pooler' },
    {
      ...{ api: [2 * 20, 4 * 20], worker: [2 * 25, 4 * 25], migration, pooler: same(40), others },
      ...{ together: [144, 234], 'database.maxConnections': same(247) },
    },
  ],
  [
    'the most workers of KEDA',
    { shape: 'keda' },
    {
      ...{ api: [34, 68], worker: [6 * 22, 12 * 22], migration, others, together: [180, 346] },
      'database.maxConnections': same(197),
    },
  ],
  [
    'one generation of pods where the old ones go first',
    { shape: 'single-node' },
    {
      ...{ api: [17, 34], worker: [22, 22], migration, others, together: [53, 70] },
      'database.maxConnections': same(97),
    },
  ],
];

describeChart('the notes', () => {
  it.each(sums)('add up the connections: %s', async (_, options, wanted) => {
    expect(figures(await notes(options))).toEqual(wanted);
  });

  it('warn of an update for which there are too few, and only then', async () => {
    expect(await notes()).toContain('WARNING: an update may ask for 170 connections where 97 are to be had.');
    const room = await notes({ values: { database: { maxConnections: 173 } } });
    expect(room).not.toContain('WARNING');
  });

  it('warn of a Service that leads in what is not for everybody', async () => {
    for (const type of ['NodePort', 'LoadBalancer']) {
      const text = await notes({ values: { api: { service: { type } } } });
      expect(text).toContain(
        `WARNING: the Service is a ${type}, which leads everything in, /metrics and the`,
      );
    }
    expect(await notes()).not.toContain('the Service is a');
  });

  it('name the Job that is to be deleted when it failed', async () => {
    const { name } = only(await render({ shape: 'gitops' }), 'Job').metadata;
    expect(await notes({ shape: 'gitops' })).toContain(`kubectl --namespace ledger delete job ${name}\n`);
    expect(await notes()).not.toContain('delete job');
  });

  it('say what a pooler and a replica need', async () => {
    const text = await notes({ shape: 'pooler' });
    // Eight pods of two generations with twenty connections each, and one more each to look how database and replica are.
    expect(text).toContain('The pooler needs max_client_conn of 168 or more for these pods.');
    expect(text).toContain('The replica needs 168 connections.');
    expect(text).not.toContain('Give database.poolerConnections');
    expect(await notes({ shape: 'pooler', values: { database: { poolerConnections: 0 } } })).toContain(
      'Give database.poolerConnections, what it keeps to the server.',
    );
  });

  it('say what to compare the sum with where nobody said it', async () => {
    const silent = await notes({ values: { database: { maxConnections: null } } });
    expect(silent).toContain('max_connections of the server, which is 100 unless somebody raised it');
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
