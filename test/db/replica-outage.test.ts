import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { query } from '../support/embedded.ts';
import { type Replication, startReplication } from '../support/replica.ts';
import {
  hasty,
  look,
  patient,
  roleOf,
  routed,
  startServers,
  stateIs,
  until,
  write,
} from './replica-fixture.ts';

let servers: Replication;

beforeAll(async () => {
  servers = await startServers();
});

afterAll(async () => {
  await servers?.stop();
});

describe('a replica', () => {
  it('that lags is left alone, and taken up again when it has caught up', async () => {
    const both = await routed(servers, { maxLagMs: 300 });
    await servers.replica.pauseReplay();
    try {
      await write(both);
      await stateIs(both, 'lagging');
      expect(both.reports.at(-1)).toMatchObject({
        reason: 'behind',
        lagMs: expect.toSatisfy((ms) => ms >= 300),
      });
      expect(await both.router.read('list', {}, roleOf)).toBe('primary');
      expect(both.routes.at(-1)).toMatchObject({ server: 'primary', why: 'state' });
    } finally {
      await servers.replica.resumeReplay();
    }
    await stateIs(both, 'ok');
    expect(await both.router.read('list', {}, roleOf)).toBe('replica');
  });

  it('that is behind at the start is not used before it has caught up', async () => {
    await servers.replica.pauseReplay();
    try {
      await query(servers.primary.url, 'INSERT INTO public.seen SELECT max(n) + 1 FROM public.seen');
      const both = await routed(servers, { isWell: false });
      expect(both.reports.map(({ state }) => state)).toEqual(['lagging']);
      expect(await both.router.read('list', {}, roleOf)).toBe('primary');
      await servers.replica.resumeReplay();
      await stateIs(both, 'ok');
    } finally {
      await servers.replica.resumeReplay();
    }
  });

  it('that is killed is missed by nobody, and used when it runs again', async () => {
    const both = await routed(servers, { timing: { ...patient, checkMs: 2000 } });
    expect(await both.router.read('list', {}, roleOf)).toBe('replica');
    await servers.replica.kill('SIGKILL');
    try {
      // A session may answer once more before it sees that its postmaster is gone.
      await until(async () => (await both.router.read('list', {}, roleOf)) === 'primary');
      for (let i = 0; i < 20; i++) expect(await both.router.read('list', {}, roleOf)).toBe('primary');
      expect(both.reports.at(-1)).toMatchObject({ state: 'away', reason: 'failed' });
    } finally {
      await servers.replica.restart();
    }
    await stateIs(both, 'ok');
    expect(await both.router.read('list', {}, roleOf)).toBe('replica');
  });

  it('that is killed in the middle of a read lets the primary answer', async () => {
    const both = await routed(servers, { timing: { ...patient, checkMs: 2000 } });
    const roles: string[] = [];
    try {
      await both.router.read('list', {}, async (db) => {
        roles.push(await roleOf(db));
        if (roles.length > 1) return;
        await servers.replica.kill('SIGKILL');
        for (;;) await look(db);
      });
      expect(roles).toEqual(['replica', 'primary']);
    } finally {
      await servers.replica.restart();
    }
    await stateIs(both, 'ok');
  });

  it.each(['all', 'postmaster'] as const)(
    'that hangs (%s) keeps nobody waiting, and is used again',
    async (which) => {
      const both = await routed(servers, { timing: hasty });
      await servers.replica.freeze(which);
      try {
        // More at once than there are connections, then one after the other.
        await Promise.all(Array.from({ length: 20 }, () => both.router.read('list', {}, look)));
        for (let i = 0; i < 50; i++) await both.router.read('list', {}, look);
        if (which === 'all') {
          await stateIs(both, 'away');
          expect(await both.router.read('list', {}, roleOf)).toBe('primary');
        }
      } finally {
        await servers.replica.thaw();
      }
      await stateIs(both, 'ok');
      await until(async () => (await both.router.read('list', {}, roleOf)) === 'replica');
    },
  );

  it('that hangs in the middle of a read lets the primary answer', async () => {
    const both = await routed(servers, { timing: hasty });
    const roles: string[] = [];
    try {
      const answer = await both.router.read('list', {}, async (db) => {
        roles.push(await roleOf(db));
        if (roles.length === 1) await servers.replica.freeze();
        return (await look(db)).role;
      });
      expect([roles, answer]).toEqual([['replica', 'primary'], 'primary']);
      expect(both.routes.at(-1)).toMatchObject({ server: 'primary', why: 'failure' });
    } finally {
      await servers.replica.thaw();
    }
    await stateIs(both, 'ok');
  });

  it('that hangs does not keep a reader who goes away', async () => {
    const both = await routed(servers, { timing: patient });
    const gone = new AbortController();
    try {
      const reading = both.router.read('list', { signal: gone.signal }, async (db) => {
        await servers.replica.freeze();
        const answer = look(db);
        gone.abort();
        return answer;
      });
      await expect(reading).rejects.toMatchObject({ code: 'aborted' });
    } finally {
      await servers.replica.thaw();
    }
  });

  it('that hangs does not keep a process from ending', async () => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'reader-child.ts'), servers.primary.url, servers.replica.url],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    await servers.replica.freeze();
    try {
      child.stdin.end();
      expect(await ended).toEqual([0, null]);
    } finally {
      await servers.replica.thaw();
    }
  });

  it('that is no replica is not used', async () => {
    const both = await routed(servers, { replicaUrl: servers.primary.url, isWell: false });
    expect(both.reports).toMatchObject([{ state: 'away', reason: 'no_standby' }]);
    expect(await both.router.read('list', {}, roleOf)).toBe('primary');
  });

  it('of another primary, or one that is promoted, is not used', async () => {
    const others = await startReplication();
    onTestFinished(() => others.stop());
    const foreign = await routed(servers, { replicaUrl: others.replica.url, isWell: false });
    expect(foreign.reports).toMatchObject([{ state: 'away', reason: 'foreign' }]);

    const urls = { url: others.primary.url, replicaUrl: others.replica.url };
    const unaware = await routed(servers, { ...urls, timing: { ...patient, intervalMs: 2000 } });
    const both = await routed(servers, urls);
    const roles: string[] = [];
    await both.router.read('list', {}, async (db) => roles.push(await roleOf(db)));
    await query(others.replica.adminUrl, 'SELECT pg_promote()');
    // Before the next look too: each read asks for itself.
    const { rows } = await unaware.router.read('list', {}, (db) =>
      sql`SELECT inet_server_port() AS port`.execute(db),
    );
    expect(rows).toEqual([{ port: Number(new URL(others.primary.url).port) }]);
    await until(() => both.reports.at(-1)?.reason === 'no_standby');
    expect(roles).toEqual(['replica']);
  });
});
