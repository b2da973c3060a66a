import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { openDatabase } from '../../src/db/database.ts';
import { createKey } from '../../src/ledger/keys.ts';
import { type Answer, type ApiProcess, call, startApi } from '../main/api-process.ts';
import { startWorker, type WorkerProcess } from '../main/worker-process.ts';
import { query } from '../support/embedded.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { childrenOf, type Replication, signalIfAlive, startReplication } from '../support/replica.ts';
import { root } from './boards.ts';

/** A ledger in operation: servers, an API, a worker, and a Prometheus with the rules of the chart that scrapes both. */
export interface Operation {
  readonly servers: Replication;
  readonly api: ApiProcess;
  readonly worker: WorkerProcess;
  readonly prometheus: Prometheus;
  /** The program, and the settings its processes have. */
  readonly cli: string;
  readonly environment: Record<string, string>;
  /** Of a key that may do everything. */
  readonly token: string;
  /** With that key. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Stops every process of the primary where it stands, and lets it go on. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const cli = join(root, 'src', 'main', 'cli.ts');
/** The rules of the chart, where there are any. */
export const rulesFile = join(root, 'helm', 'quartermaster', 'files', 'alerts.yaml');

export async function startOperation(): Promise<Operation> {
  const undo: (() => unknown)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const servers = await startReplication();
    undo.push(() => servers.stop());
    const store = await mkdtemp(join(tmpdir(), 'quartermaster-operation-'));
    undo.push(() => rm(store, { recursive: true }));
    const environment = {
      QM_DATABASE_URL: servers.primary.url,
      QM_REPLICA_URL: servers.replica.url,
      QM_STORE: pathToFileURL(store).href,
    };
    // The tables are there, the queues are not.
    await run(process.execPath, [cli, 'migrate', 'up'], { env: { PATH: process.env.PATH, ...environment } });
    const token = await makeKey(servers.primary.url);

    const api = await startApi(environment);
    undo.push(() => endProcess(api));
    const worker = await startWorker({ QM_LOG_LEVEL: 'error', ...environment }, { untilTestEnds: false });
    undo.push(() => endProcess(worker));
    const prometheus = await startPrometheus({
      jobs: { api: [new URL(api.url).host], worker: [new URL(worker.url).host] },
      rules: [rulesFile],
    });
    undo.push(() => prometheus.stop());

    let frozen: number[] = [];
    const thaw = async () => {
      // The postmaster last: it would look after children that do not answer.
      for (const pid of frozen.reverse()) signalIfAlive(pid, 'SIGCONT');
      frozen = [];
    };
    undo.push(thaw);
    return {
      servers,
      api,
      worker,
      prometheus,
      cli,
      environment,
      token,
      ask: (method, path, body, headers) => call(api.url, token, method, path, body, headers),
      freeze: async () => {
        const [{ file }] = (await query(
          servers.primary.adminUrl,
          `SELECT pg_read_file('postmaster.pid') AS file`,
        )) as [{ file: string }];
        const postmaster = Number(file.split('\n')[0]);
        // The postmaster first, so that it has no more children while they are looked up.
        process.kill(postmaster, 'SIGSTOP');
        frozen = [postmaster, ...(await childrenOf(postmaster))];
        for (const pid of frozen) signalIfAlive(pid, 'SIGSTOP');
      },
      thaw,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeKey(url: string): Promise<string> {
  const database = openDatabase({ databaseUrl: url, poolMax: 1 });
  try {
    const { token } = await createKey(database.write, { name: 'test', roles: ['admin'], ledgers: null });
    return token;
  } finally {
    await database.close();
  }
}

async function endProcess({ child, ended }: ApiProcess | WorkerProcess): Promise<void> {
  child.kill('SIGTERM');
  await ended;
}
