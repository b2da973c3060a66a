import { expect, it } from 'vitest';
import { describeChart, only, type Rendered, render } from './helm.ts';

/** The ports that the pods of a component may go out to, rule by rule. */
async function portsOut(values: object, component = 'api'): Promise<number[][]> {
  const objects = await render({ values: { networkPolicy: { enabled: true }, ...values } });
  const rules: Rendered[] = only(objects, 'NetworkPolicy', component).spec.egress;
  return rules.map(({ ports }) => ports.map(({ port }: { port: number }) => port));
}

const s3 = (endpoint: string) => ({ store: { s3: { endpoint } } });
const file = { store: { type: 'file', s3: { bucket: '' }, file: { existingClaim: 'archives' } } };
const tokens = (url: string) => ({
  config: { QM_JWKS_URL: url, QM_JWT_ISSUER: 'me', QM_JWT_AUDIENCE: 'us' },
});
const base = [[53, 53], [5432]];

describeChart('a policy', () => {
  it('comes with the Job for which it is, in the wave of that', async () => {
    const objects = await render({ shape: 'gitops' });
    const wave = { 'argocd.argoproj.io/sync-wave': '-1' };
    expect(only(objects, 'Job').metadata.annotations).toEqual(wave);
    expect(only(objects, 'NetworkPolicy', 'migrate').metadata.annotations).toEqual(wave);
    expect(only(objects, 'NetworkPolicy', 'api').metadata.annotations).toBeUndefined();
  });

  it.each([
    ['a bucket at the port of the values', {}, [[443]]],
    ['a server of another port', s3('http://minio:9000'), [[443, 9000]]],
    ['one with a path', s3('http://minio.ledger.svc:9000/x'), [[443, 9000]]],
    ['one of an address without names', s3('http://[fd00::1]:9000'), [[443, 9000]]],
    ['one without a port', s3('http://minio'), [[443, 80]]],
    ['one whose port is known', s3('https://storage.example.com'), [[443]]],
    ['a volume', file, []],
    ['a volume, and keys of tokens', { ...file, ...tokens('http://login:8080/keys') }, [[443, 8080]]],
  ])('lets pods out to %s', async (_, values, wanted) => {
    expect(await portsOut(values)).toEqual([...base, ...wanted]);
    expect(await portsOut(values, 'worker')).toEqual([...base, ...wanted]);
  });

  it('lets pods out to names on every port that is given', async () => {
    const egress = { dnsPorts: [53, 5353] };
    const [names] = await portsOut({ networkPolicy: { enabled: true, egress } });
    expect(names).toEqual([53, 53, 5353, 5353]);
  });

  it('lets the test of the release out to what it asks, and nobody in', async () => {
    const objects = await render({ values: { networkPolicy: { enabled: true } } });
    const { spec } = only(objects, 'NetworkPolicy', 'test');
    expect(only(objects, 'Pod').metadata.labels).toMatchObject(spec.podSelector.matchLabels);
    expect(spec.ingress).toEqual([]);
    const [names, ...asked] = spec.egress;
    expect(names.ports.map(({ port }: { port: number }) => port)).toEqual([53, 53]);
    expect(asked).toEqual(
      Object.entries({ api: 7070, worker: 7071 }).map(([component, port]) => ({
        ports: [{ port, protocol: 'TCP' }],
        to: [{ podSelector: only(objects, 'Deployment', component).spec.selector }],
      })),
    );
  });
});
