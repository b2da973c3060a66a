import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** True where Debian's ceph-mon, ceph-osd and radosgw are installed. */
export async function hasCeph(): Promise<boolean> {
  const versions = ['radosgw', 'ceph-mon', 'ceph-osd'].map((program) => execute(program, ['--version']));
  return Promise.all(versions).then(
    () => true,
    () => false,
  );
}

export interface TestCeph {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The id of a key for aws:kms. */
  readonly kmsKey: string;
  stop(): Promise<void>;
}

/**
 * Starts Ceph with its S3 gateway, which has versions, Object Lock and encryption: a monitor, a store in memory and the
 * gateway, each a process of this machine, on the loopback and in a directory that is removed at the end.
 */
export async function startCeph(): Promise<TestCeph> {
  const home = await mkdtemp(join(tmpdir(), 'test-ceph-'));
  const conf = join(home, 'ceph.conf');
  const keyring = join(home, 'keyring');
  const children: ChildProcess[] = [];
  const stop = async () => {
    for (const child of children.toReversed()) {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    }
    await rm(home, { recursive: true, force: true });
  };
  const run = async (program: string, ...options: string[]) =>
    (await execute(program, [...options, '-c', conf, '-k', keyring], { timeout: 60_000 })).stdout;
  // It ends when its standard input does, so it does not outlive us, however we end.
  const script = '"$@" & child=$!; cat > /dev/null; kill -9 "$child"; wait';
  const serve = (program: string, ...options: string[]) => {
    const command = ['sh', program, '-c', conf, '-f', ...options];
    children.push(spawn('sh', ['-c', script, ...command], { stdio: ['pipe', 'ignore', 'ignore'] }));
  };
  try {
    const id = randomUUID();
    const [v2, v1, port] = await freePorts(3);
    const monitor = `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`;
    for (const folder of ['mon', 'osd', 'rgw']) await mkdir(join(home, folder));
    await writeFile(conf, settings(home, id, monitor, port ?? 0));
    const may = ['mon', 'osd', 'mgr'].flatMap((whom) => ['--cap', whom, 'allow *']);
    await execute('ceph-authtool', ['--create-keyring', keyring, '--gen-key', '-n', 'mon.', ...may]);
    await execute('ceph-authtool', [keyring, '--gen-key', '-n', 'client.admin', ...may]);
    const map = join(home, 'monmap');
    await execute('monmaptool', ['--create', '--fsid', id, '--addv', 'a', monitor, map]);
    await run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', map, '--keyring', keyring);
    serve('ceph-mon', '-i', 'a');
    const osd = randomUUID();
    await patiently(() => run('ceph', '--connect-timeout', '5', 'osd', 'new', osd));
    const grant = async (name: string, mon: string) =>
      appendFile(keyring, await run('ceph', 'auth', 'get-or-create', name, 'mon', mon, 'osd', 'allow *'));
    await grant('osd.0', 'allow profile osd');
    await grant('client.rgw.a', 'allow rwx');
    await run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd);
    serve('ceph-osd', '-i', '0');
    serve('radosgw', '-n', 'client.rgw.a');
    const endpoint = `http://127.0.0.1:${port}`;
    await patiently(() => fetch(endpoint));
    const credentials = { accessKeyId: 'BOOKS', secretAccessKey: randomBytes(20).toString('hex') };
    const keys = ['--access-key', credentials.accessKeyId, '--secret-key', credentials.secretAccessKey];
    const user = ['user', 'create', '--uid', 'books', '--display-name', 'books'];
    await run('radosgw-admin', '-n', 'client.rgw.a', ...user, ...keys);
    return { endpoint, credentials, kmsKey: 'books', stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function settings(home: string, id: string, monitor: string, port: number): string {
  return `[global]
fsid = ${id}
mon host = ${monitor}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
osd objectstore = memstore
memstore device bytes = 2147483648
run dir = ${home}
admin socket = ${home}/$name.asok
log file = ${home}/$name.log
pid file = ${home}/$name.pid
keyring = ${home}/keyring
mon data = ${home}/mon
osd data = ${home}/osd
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw data = ${home}/rgw
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = books=${randomBytes(32).toString('base64')}
`;
}

/** The last failure is thrown when it does not succeed within two minutes. */
async function patiently(action: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await action();
      return;
    } catch (error) {
      if (tries > 240) throw error;
      await delay(500);
    }
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
