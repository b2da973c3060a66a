import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from '../../src/db/embedded.ts';
import { launchOwner, nobodyIn, query, startOwner, unfinishedInitdb } from '../support/embedded.ts';
import { temporaryHome } from '../support/server.ts';

let directory: string;

beforeEach(async () => {
  const home = await temporaryHome();
  directory = home.directory;
  onTestFinished(() => home.remove());
});

describe('a directory with a past', () => {
  it('belongs to the living process that started there', async () => {
    const owner = await startOwner({ directory });
    await expect(start()).rejects.toMatchObject({
      code: 'already_running',
      kind: 'busy',
      detail: expect.stringContaining(`process ${owner.child.pid}`),
    });
    expect(await query(owner.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('belongs to this process too, and only once', async () => {
    const server = await start();
    await expect(start()).rejects.toMatchObject({ code: 'already_running' });
    await server.stop();
    const next = await start();
    await server.stop();
    await expect(start()).rejects.toMatchObject({ code: 'already_running' });
    await next.stop();
  });

  it('is taken over with its data from an owner that was killed, whose PostgreSQL still runs', async () => {
    const owner = await startOwner({ directory });
    await query(owner.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    owner.child.kill('SIGKILL');
    await once(owner.child, 'exit');
    expect(await query(owner.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    const said: string[] = [];
    const server = await start({ log: (line) => said.push(line) });
    expect(said).toContain(
      `Ending PostgreSQL (process ${owner.pid}), left behind by a process that was killed.`,
    );
    expect(server.pid).not.toBe(owner.pid);
    expect(await query(server.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    await expect(query(owner.url, 'SELECT')).rejects.toThrow('ECONNREFUSED');
  });

  it('is taken by one of two that start at once where an owner was killed', async () => {
    const owner = await startOwner({ directory });
    owner.child.kill('SIGKILL');
    await once(owner.child, 'exit');
    const outcomes = await Promise.allSettled([start(), start()]);
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected']);
    const lost = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(lost?.reason).toMatchObject({ code: 'already_running' });
  });

  it('keeps its server when the terminal interrupts the owner, until the owner stops it', async () => {
    const owner = await startOwner({ directory, ignoring: 'SIGINT' });
    // What a terminal sends on Ctrl-C: to the whole process group.
    process.kill(-(owner.child.pid as number), 'SIGINT');
    expect(await query(owner.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(owner.child.exitCode).toBeNull();
  });

  it('is left without a server when the owner ends by an error', async () => {
    const owner = await startOwner({ directory });
    owner.child.stdin?.end();
    expect(await once(owner.child, 'exit')).toEqual([1, null]);
    await nobodyIn(join(directory, 'data'));
    expect(await readFile(join(directory, 'postgres.log'), 'utf8')).toContain('fast shutdown request');
  });

  it('is begun anew when initdb was killed with its owner', async () => {
    const owner = launchOwner({ directory });
    await unfinishedInitdb(directory);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    expect(await readdir(directory)).not.toContain('data');
    const server = await start();
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    // What an initdb that outlived its owner was still writing is swept by the start after its end.
    await nobodyIn(join(directory, 'data.'));
    await (await start()).stop();
    expect((await readdir(directory)).sort()).toEqual([
      'credentials.json',
      'data',
      'postgres.log',
      'postgres.log.1',
    ]);
  });

  it.runIf(process.platform === 'linux')('is not fooled by a stale pid file', async () => {
    await (await start()).stop();
    const data = join(directory, 'data');
    const { uid, gid } = await stat(data);
    // The number in the file now belongs to something else of the same user: PostgreSQL alone would refuse to start.
    // It even stands where a server would.
    const bystander = spawn('sleep', ['600'], {
      cwd: data,
      ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    });
    onTestFinished(() => void bystander.kill('SIGKILL'));
    await writeFile(join(data, 'postmaster.pid'), `${bystander.pid}\n${data}\n1\n5432\n\n\n\nready   \n`);
    const server = await start();
    expect(server.pid).not.toBe(bystander.pid);
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
  });
});

function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedServer> {
  return startEmbedded({ directory, settings: { fsync: 'off' }, ...options });
}
