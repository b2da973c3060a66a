import { expect, it } from 'vitest';
import { chartCopy, describeChart, type Rendered, render } from './helm.ts';

/** What is text to Kubernetes, wherever in an object it stands. */
const texts = new Set([
  ...['name', 'namespace', 'secretName', 'claimName', 'serviceAccountName', 'key', 'replacement'],
  ...['priorityClassName', 'runtimeClassName', 'schedulerName', 'ingressClassName', 'subPath'],
]);
const maps = new Set(['labels', 'annotations', 'matchLabels', 'data']);

/** The places in an object at which something else than a text stands where a text must. */
function notText(value: unknown, path: string, all = false): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = `${path}.${key}`;
    const wrong = (all || texts.has(key)) && typeof inner !== 'string' && typeof inner !== 'object';
    return [...(wrong || inner === null ? [here] : []), ...notText(inner, here, maps.has(key))];
  });
}

const faults = (objects: readonly Rendered[]) =>
  objects.flatMap((object) => notText(object, `${object.kind} ${object.metadata.name}`));

describeChart('a word that YAML takes for something else', () => {
  const place = chartCopy();

  it.each(['on', 'no', 'true', 'null', '2024', '1e3', '0x1f'])('is a name like others: %s', async (word) => {
    for (const shape of ['production', 'gitops', 'gateway', 'single-node', 'keda']) {
      // By its own name, for a Service may not begin with a figure.
      const values = {
        fullnameOverride: /^\d/.test(word) ? 'ledger' : word,
        ...(shape === 'keda' ? named(word) : {}),
      };
      const objects = await render({ chart: place, shape, release: word, namespace: word, values });
      expect(faults(objects)).toEqual([]);
      for (const { metadata } of objects) {
        if (/-(extra|text)$/.test(metadata.name)) continue;
        expect(metadata.namespace).toBe(word);
        expect(metadata.labels?.['app.kubernetes.io/instance']).toBe(word);
      }
    }
  });

  it('would be found', () => {
    expect(notText({ metadata: { name: true, labels: { a: 1, b: 'c' } } }, 'x')).toEqual([
      'x.metadata.name',
      'x.metadata.labels.a',
    ]);
  });
});

/** The word in every place where a value names something. */
function named(word: string): object {
  const database = { secretName: word, urlKey: word, directUrlKey: word, replicaUrlKey: word };
  const placed = { priorityClassName: word, runtimeClassName: word, schedulerName: word };
  const serviceAccount = { create: false, name: word, annotations: { [word]: word } };
  return {
    nameOverride: /^\d/.test(word) ? '' : word,
    commonLabels: { [word]: word },
    commonAnnotations: { [word]: word },
    imagePullSecrets: [{ name: word }],
    database: {
      ...{ api: database, worker: database, migrate: { secretName: word, urlKey: word } },
      ca: { secretName: word, key: word },
    },
    store: { file: { existingClaim: word, subPath: word } },
    api: { ...placed, serviceAccount, podAnnotations: { [word]: word } },
    worker: { ...placed, serviceAccount },
    migrations: { serviceAccountName: word, priorityClassName: word, runtimeClassName: word },
    tests: { serviceAccountName: word },
    ingress: { enabled: true, hosts: ['a.example.com'], className: word },
    metrics: { podMonitor: { enabled: true }, serviceMonitor: { enabled: false } },
  };
}
