import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { parse } from 'yaml';
import { type Rendered, scratch } from './helm.ts';
import { objectOf } from './wire.ts';

/** The kinds that are served, by the group they are in: what Helm asks an API server for before it sends anything. */
const served: Readonly<Record<string, readonly string[]>> = {
  v1: [
    'secrets Secret',
    'configmaps ConfigMap',
    'services Service',
    'serviceaccounts ServiceAccount',
    'pods Pod',
  ],
  'apps/v1': ['deployments Deployment'],
  'autoscaling/v2': ['horizontalpodautoscalers HorizontalPodAutoscaler'],
  'batch/v1': ['jobs Job'],
  'policy/v1': ['poddisruptionbudgets PodDisruptionBudget'],
};

export interface StandIn {
  /** What Helm is given to reach it. */
  readonly kubeconfig: string;
  /** Every change, in its order, as `POST Job name`, without Helm's own record of the release. */
  readonly changes: string[];
  /** The objects that are there, by `Kind name`. */
  readonly objects: Map<string, Rendered>;
  /** What becomes of a Job: decided when it is made, from the objects that are there then. */
  jobEnds: (job: Rendered, objects: ReadonlyMap<string, Rendered>) => 'Complete' | 'Failed';
  close(): Promise<void>;
}

/**
 * As much of an API server as Helm talks to: discovery, objects in memory, lists, watches, and Jobs that end at once. It is no API
 * server: it admits whatever it is sent. It is there for what only Helm knows: in which order it does what, and what it leaves undone.
 */
export async function startStandIn(): Promise<StandIn> {
  const watchers = new Set<{
    readonly matches: (object: Rendered) => boolean;
    readonly response: ServerResponse;
  }>();
  let version = 1;

  const standIn: Omit<StandIn, 'kubeconfig'> = {
    changes: [],
    objects: new Map(),
    jobEnds: () => 'Complete',
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  const { objects, changes } = standIn;

  function tell(type: string, object: Rendered): void {
    for (const { matches, response } of watchers)
      if (matches(object)) response.write(`${JSON.stringify({ type, object })}\n`);
  }

  function keep(type: 'ADDED' | 'MODIFIED', object: Rendered): Rendered {
    version += 1;
    const given = {
      uid: `uid-${object.metadata.name}`,
      creationTimestamp: '2030-01-01T00:00:00Z',
      generation: 1,
    };
    const kept = {
      ...object,
      metadata: { ...given, ...object.metadata, namespace: 'ledger', resourceVersion: `${version}` },
    };
    objects.set(`${object.kind} ${object.metadata.name}`, kept);
    tell(type, kept);
    return kept;
  }

  /** A Job is over before anybody could look: its end is the next event of its watch. */
  function end(job: Rendered): void {
    const type = standIn.jobEnds(job, objects);
    const [done, at] = [type === 'Complete', '2030-01-01T00:00:01Z'];
    const conditions = [
      { type, status: 'True', reason: 'AsTold', message: 'as the test wants it', lastTransitionTime: at },
    ];
    const counts = done ? { succeeded: 1, completionTime: at } : { failed: 1 };
    setTimeout(() => keep('MODIFIED', { ...job, status: { startTime: at, conditions, ...counts } }), 50);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    const reply = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const missing = () =>
      reply(404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 });
    const found = discovery(url.pathname);
    if (found !== undefined) return reply(200, found);

    const [, group = '', kindName = '', name] =
      /^\/apis?\/(.+?)\/namespaces\/ledger\/([a-z]+)(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    const kind = served[group]?.find((line) => line.startsWith(`${kindName} `))?.split(' ')[1];
    if (kind === undefined) return missing();
    const key = `${kind} ${name}`;
    const body = await buffer(request);
    const change = (made: string) => kind === 'Secret' || changes.push(`${request.method} ${kind} ${made}`);
    const known = objects.get(key);

    if (request.method === 'POST') {
      const object = { ...objectOf(body), kind, apiVersion: group };
      change(object.metadata.name);
      const kept = keep('ADDED', object);
      if (kind === 'Job') end(kept);
      return reply(201, kept);
    }
    if (request.method === 'PATCH' && request.headers['content-type']?.includes('apply')) {
      change(name ?? '');
      const kept = keep(known === undefined ? 'ADDED' : 'MODIFIED', {
        ...known,
        ...(parse(body.toString()) as Rendered),
      });
      if (kind === 'Job' && known === undefined) end(kept);
      return reply(known === undefined ? 201 : 200, kept);
    }
    if (name === undefined) {
      list(kind, group, url.searchParams, reply, response);
      return;
    }
    if (known === undefined) return missing();
    if (request.method === 'DELETE') {
      change(name);
      objects.delete(key);
      tell('DELETED', known);
      return reply(200, { kind: 'Status', apiVersion: 'v1', status: 'Success' });
    }
    if (request.method === 'GET') return reply(200, known);
    change(name);
    const given = objectOf(body);
    reply(200, keep('MODIFIED', request.method === 'PUT' ? given : { ...known, patched: given }));
  }

  function list(
    kind: string,
    apiVersion: string,
    query: URLSearchParams,
    reply: (status: number, body: object) => void,
    response: ServerResponse,
  ): void {
    const labels = (query.get('labelSelector') ?? '')
      .split(',')
      .filter(Boolean)
      .map((pair) => pair.split('='));
    const name = /metadata\.name=([^,]+)/.exec(query.get('fieldSelector') ?? '')?.[1];
    const matches = (object: Rendered) =>
      object.kind === kind &&
      (name === undefined || object.metadata.name === name) &&
      labels.every(([label = '', value]) => object.metadata.labels?.[label] === value);
    const items = [...objects.values()].filter(matches);
    const metadata = { resourceVersion: `${version}` };
    if (query.get('watch') === null) {
      reply(200, { kind: `${kind}List`, apiVersion, metadata, items });
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    const from = Number(query.get('resourceVersion') || 0);
    for (const object of items)
      if (versionOf(object) > from) response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
    if (query.get('sendInitialEvents') === 'true') {
      const annotations = { 'k8s.io/initial-events-end': 'true' };
      const object = { kind, apiVersion, metadata: { ...metadata, annotations } };
      response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
    }
    const watcher = { matches, response };
    watchers.add(watcher);
    response.once('close', () => watchers.delete(watcher));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const kubeconfig = join(scratch(), 'kubeconfig');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'here' },
      clusters: [{ name: 'here', cluster: { server: address } }],
      contexts: [{ name: 'here', context: { cluster: 'here', user: 'me', namespace: 'ledger' } }],
      users: [{ name: 'me', user: {} }],
    }),
  );
  return Object.assign(standIn, { kubeconfig });
}

/** The version that `keep` gave an object. */
function versionOf({ metadata }: Rendered): number {
  return Number((metadata as { resourceVersion?: string }).resourceVersion);
}

/** What an API server says of itself: its version, its groups, and the kinds of a group. */
function discovery(path: string): object | undefined {
  if (path === '/version') return { major: '1', minor: '35', gitVersion: 'v1.35.1' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  const groups = Object.keys(served).filter((group) => group.includes('/'));
  if (path === '/apis') {
    const listed = groups.map((groupVersion) => {
      const [name, version] = groupVersion.split('/');
      return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
    });
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: listed };
  }
  if (path === '/openapi/v3') {
    const urls = Object.keys(served).map((group) => {
      const place = group.includes('/') ? `apis/${group}` : `api/${group}`;
      return [place, { serverRelativeURL: `/openapi/v3/${place}` }];
    });
    return { paths: Object.fromEntries(urls) };
  }
  const groupVersion = path.replace(/^(\/openapi\/v3)?\/apis?\//, '');
  const kinds = served[groupVersion];
  if (kinds === undefined) return undefined;
  if (path.startsWith('/openapi'))
    return { openapi: '3.0.0', paths: Object.fromEntries(kinds.map(validated)) };

  /** Says that the server itself refuses unknown fields, so that Helm does not ask for the whole schema. */
  function validated(line: string): [string, object] {
    const [name, kind] = line.split(' ');
    const [version, group] = (groupVersion ?? '').split('/').toReversed();
    const patch = {
      parameters: [{ name: 'fieldValidation', in: 'query' }],
      'x-kubernetes-group-version-kind': { group: group ?? '', version, kind },
    };
    return [`/apis/${groupVersion}/namespaces/{namespace}/${name}/{name}`, { patch }];
  }

  const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
  const resources = kinds.map((line) => {
    const [name, kind] = line.split(' ');
    return { name, kind, singularName: '', namespaced: true, verbs };
  });
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}
