import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  argumentsOf,
  describeChart,
  type Helm,
  hasHelm,
  helms,
  only,
  type RenderOptions,
  runHelm,
} from './helm.ts';
import { type StandIn, startStandIn } from './stand-in.ts';

let cluster: StandIn;

beforeEach(async () => {
  if (hasHelm) cluster = await startStandIn();
});
afterEach(async () => {
  if (hasHelm) await cluster.close();
});

const run = (helm: Helm, verb: string, options: RenderOptions = {}) =>
  runHelm(
    helm,
    [
      verb,
      ...argumentsOf({
        ...options,
        args: ['--disable-openapi-validation', '--timeout', '30s', ...(options.args ?? [])],
      }),
    ],
    { KUBECONFIG: cluster.kubeconfig },
  );

const made = [
  'PodDisruptionBudget demo-quartermaster-api',
  'PodDisruptionBudget demo-quartermaster-worker',
  'ServiceAccount demo-quartermaster-api',
  'ServiceAccount demo-quartermaster-worker',
  'ConfigMap demo-quartermaster-api',
  'ConfigMap demo-quartermaster-worker',
  'Service demo-quartermaster-api',
  'Service demo-quartermaster-worker',
  'Deployment demo-quartermaster-api',
  'Deployment demo-quartermaster-worker',
].toSorted();
const names = (changes: readonly string[]) => changes.map((change) => change.replace(/^\w+ /, '')).toSorted();

const key = 'Deployment demo-quartermaster-api';

/** Changes the API's Deployment in the cluster, as somebody else than Helm does. */
function setLive(spec: object): void {
  const there = cluster.objects.get(key);
  if (there === undefined) throw new Error(`no ${key}`);
  cluster.objects.set(key, { ...there, spec: { ...there.spec, ...spec } });
}

describeChart('Helm, on a stand-in for an API server,', () => {
  describe.each(helms)('%s', (helm) => {
    it('runs the migration before it makes anything else', async () => {
      let there: string[] = [];
      cluster.jobEnds = (_, objects) => {
        there = [...objects.keys()].filter((key) => !/^(Secret|Job) /.test(key));
        return 'Complete';
      };
      const { code, out, err } = await run(helm, 'install');
      expect([code, err]).toEqual([0, expect.anything()]);
      expect(there).toEqual([]);
      expect(cluster.changes[0]).toMatch(/ Job demo-quartermaster-migrate$/);
      expect(names(cluster.changes.slice(1))).toEqual(made);
      expect(out).toContain('Quartermaster 0.1.0 is installed as demo-quartermaster in ledger.');
    });

    it('installs nothing when the migration fails', async () => {
      cluster.jobEnds = () => 'Failed';
      const { code, err } = await run(helm, 'install');
      expect(code).toBe(1);
      expect(err).toMatch(/pre-install|demo-quartermaster-migrate/);
      expect(cluster.changes).toEqual([expect.stringMatching(/ Job demo-quartermaster-migrate$/)]);
    });

    it('leaves the old pods as they are when the migration of an upgrade fails, and goes on with the next', async () => {
      expect((await run(helm, 'install')).code).toBe(0);
      const before = new Map([...cluster.objects].filter(([key]) => !/^(Secret|Job) /.test(key)));
      cluster.changes.length = 0;
      cluster.jobEnds = () => 'Failed';
      const values = { image: { tag: '0.2.0' }, config: { QM_POOL_MAX: 5 } };
      const failed = await run(helm, 'upgrade', { values });
      expect(failed.code).toBe(1);
      // The Job of the install makes room for that of the upgrade; nothing else is touched.
      expect(cluster.changes).toEqual([
        'DELETE Job demo-quartermaster-migrate',
        expect.stringMatching(/(POST|PATCH) Job demo-quartermaster-migrate$/),
      ]);
      for (const [key, object] of before) expect(cluster.objects.get(key)).toBe(object);

      cluster.changes.length = 0;
      cluster.jobEnds = () => 'Complete';
      const { code, err } = await run(helm, 'upgrade', { values });
      expect([code, err]).toEqual([0, expect.anything()]);
      expect(cluster.changes.slice(0, 2)).toEqual([
        'DELETE Job demo-quartermaster-migrate',
        expect.stringMatching(/(POST|PATCH) Job demo-quartermaster-migrate$/),
      ]);
      expect(names(cluster.changes.slice(2))).toEqual(
        expect.arrayContaining(['Deployment demo-quartermaster-api', 'Deployment demo-quartermaster-worker']),
      );
    });

    it('asks the older version before a rollback whether it can live with the schema, and touches no pod when it cannot', async () => {
      expect((await run(helm, 'install')).code).toBe(0);
      expect((await run(helm, 'upgrade', { values: { image: { tag: '0.2.0' } } })).code).toBe(0);
      // Patches change nothing in the stand-in, so what the upgrade made of the Deployment is made here.
      const template = structuredClone(cluster.objects.get(key)?.spec.template);
      template.spec.containers[0].image = 'registry.example.com/quartermaster:0.2.0';
      setLive({ template });
      const images: string[] = [];
      const endings = ['Failed', 'Complete'] as const;
      cluster.jobEnds = (job) => {
        images.push(job.spec.template.spec.containers[0].image);
        return endings[images.length - 1] ?? 'Failed';
      };
      const back = () =>
        runHelm(helm, ['rollback', 'demo', '1', '--namespace', 'ledger', '--timeout', '30s'], {
          KUBECONFIG: cluster.kubeconfig,
        });
      cluster.changes.length = 0;
      const refused = await back();
      expect([refused.code, refused.err]).toEqual([
        1,
        expect.stringMatching(/demo-quartermaster-migrate.*failed/i),
      ]);
      const job = [
        'DELETE Job demo-quartermaster-migrate',
        expect.stringMatching(/(POST|PATCH) Job demo-quartermaster-migrate$/),
      ];
      expect(cluster.changes).toEqual(job);
      cluster.changes.length = 0;
      const gone = await back();
      expect([gone.code, gone.err]).toEqual([0, expect.anything()]);
      expect(cluster.changes.slice(0, 2)).toEqual(job);
      expect(names(cluster.changes.slice(2))).toContain('Deployment demo-quartermaster-api');
      // The chart's own version is that of the program.
      expect(images).toEqual(Array(2).fill('registry.example.com/quartermaster:0.1.0'));
    });

    it('leaves as many pods as there are when the autoscaler takes their number over', async () => {
      const scaled = { api: { autoscaling: { enabled: true } }, database: { maxConnections: 200 } };
      const replicas = () => {
        const { patched, spec } = only([...cluster.objects.values()], 'Deployment', 'api');
        // What is sent is the whole object, or what differs; a null would take the number away.
        return patched?.spec !== undefined && 'replicas' in patched.spec
          ? patched.spec.replicas
          : spec.replicas;
      };
      expect((await run(helm, 'install')).code).toBe(0);
      for (const live of [5, 4]) {
        setLive({ replicas: live });
        const { code, err } = await run(helm, 'upgrade', { values: scaled });
        expect([code, err]).toEqual([0, expect.anything()]);
        expect(replicas()).toBe(live);
      }
    });

    it('makes the Job of a mode for manifests beside everything else', async () => {
      expect((await run(helm, 'install', { values: { migrations: { mode: 'job' } } })).code).toBe(0);
      const jobs = names(cluster.changes).filter((name) => name.startsWith('Job '));
      expect(jobs).toEqual([expect.stringMatching(/^Job demo-quartermaster-migrate-[0-9a-f]{8}$/)]);
      expect(names(cluster.changes).filter((name) => !name.startsWith('Job '))).toEqual(made);
    });

    it('takes two releases into one namespace', async () => {
      expect((await run(helm, 'install')).code).toBe(0);
      const first = new Set(cluster.changes);
      const { code, err } = await run(helm, 'install', { release: 'other' });
      expect([code, err]).toEqual([0, expect.anything()]);
      expect(cluster.changes.length).toBe(2 * first.size);
      expect(new Set(cluster.changes).size).toBe(2 * first.size);
    });
  });
});
