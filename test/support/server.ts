import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '../../src/db/embedded.ts';

/** A PostgreSQL of a test's own, to be killed. */
export interface TestServer {
  /** Of role and database `quartermaster`, which is empty. Stays true across `restart()`. */
  readonly url: string;
  readonly adminUrl: string;
  /** Of the postmaster that runs now. */
  readonly pid: number;
  /** Signals the postmaster and returns when it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data, after a kill or while it runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** What is committed outlives kill -9 of PostgreSQL, if not a power cut. */
const quickSettings = { fsync: 'off' };

/** Starts a server that only this test uses. The caller stops it; if the test run is killed, it is ended all the same. */
export async function startServer(settings: Record<string, string> = {}): Promise<TestServer> {
  const home = await temporaryHome();
  const options = { directory: home.directory, settings: { ...quickSettings, ...settings } };
  try {
    let server = await startEmbedded(options);
    return {
      url: server.url,
      adminUrl: server.adminUrl,
      get pid() {
        return server.pid;
      },
      kill: async (signal) => {
        process.kill(server.pid, signal);
        await server.exited.catch(() => {});
      },
      restart: async () => {
        await server.stop();
        server = await startEmbedded({ ...options, port: server.port });
      },
      stop: async () => {
        await server.stop();
        await home.remove();
      },
    };
  } catch (error) {
    await home.remove();
    throw error;
  }
}

/** Waits for the end of its input, which is the end of whoever holds the other side; then ends the postmaster and sweeps. */
const guard = `
  read -r _
  if kill -QUIT "$(head -n 1 "$0/data/postmaster.pid")"; then
    n=0; while [ -e "$0/data/postmaster.pid" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
  fi
  rm -rf "$0" || { sleep 1; rm -rf "$0"; }`;

/**
 * A directory for a server of startEmbedded. `remove()` ends a server that still runs there and deletes it, and so
 * does the death of this process, kill -9 included: a shell that outlives it notices that a pipe has closed.
 */
export async function temporaryHome(): Promise<{ directory: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'quartermaster-test-'));
  const shell = spawn('/bin/sh', ['-c', guard, directory], {
    // Away from the terminal's Ctrl-C, and no reason for this process to live on.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const gone = once(shell, 'exit');
  shell.unref();
  return {
    directory,
    remove: async () => {
      shell.ref();
      shell.stdin.end();
      await gone;
    },
  };
}
