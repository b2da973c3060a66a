import { amountOf, type ServerLoad, type Settings } from '../../db/inspect-settings.ts';
import { formatBytes } from '../terminal.ts';
import { type Fault, failed, warned } from './check.ts';

/** What the settings of a server come to. All of it pure. */

const MIB = 1024 ** 2;

export function judgeDurability(settings: Settings): Fault | undefined {
  const off = ['fsync', 'full_page_writes', 'synchronous_commit'].filter(
    (name) => settings.get(name)?.setting === 'off',
  );
  if (off.length === 0) return undefined;
  return failed(`${off.join(' and ')} ${off.length === 1 ? 'is' : 'are'} off.`);
}

export function judgeChecksums(settings: Settings): Fault | undefined {
  return settings.get('data_checksums')?.setting === 'off' ? warned('data_checksums is off.') : undefined;
}

export function judgeAutovacuum(settings: Settings): Fault[] {
  return ['autovacuum', 'track_counts']
    .filter((name) => settings.get(name)?.setting === 'off')
    .map((name) => failed(`${name} is off.`));
}

export function judgeMemory(settings: Settings, { bytes }: ServerLoad, large: number): Fault[] {
  const faults: Fault[] = [];
  const of = (name: string) => amountOf(settings, name) ?? Number.POSITIVE_INFINITY;
  const shared = of('shared_buffers');
  if (bytes >= large && shared <= 128 * MIB) {
    faults.push(
      warned(
        `The database has ${formatBytes(bytes)}, and shared_buffers is ${formatBytes(shared)}, as a new server has it.`,
        'Set shared_buffers to a quarter of the memory of the server, and restart it.',
      ),
    );
  }
  const work = of('work_mem');
  if (work < 4 * MIB) {
    faults.push(
      warned(`work_mem is ${formatBytes(work)}: sorts and hashes go to the disk.`, 'Set work_mem = 16MB.'),
    );
  }
  const maintenance = of('maintenance_work_mem');
  if (maintenance < 64 * MIB || (bytes >= large && maintenance <= 64 * MIB)) {
    faults.push(
      warned(
        `maintenance_work_mem is ${formatBytes(maintenance)}: indexes are built and tables vacuumed in many small steps.`,
        'Set maintenance_work_mem = 512MB.',
      ),
    );
  }
  return faults;
}

export function judgeCheckpoints(settings: Settings, load: ServerLoad): Fault[] {
  const faults: Fault[] = [];
  const wal = amountOf(settings, 'max_wal_size');
  const { checkpointsRequested: early, checkpointsTimed: timed } = load;
  // Some are requested by people and by backups; more than those that come by time is load.
  if (wal !== undefined && wal <= 1024 * MIB && early > 20 && early > timed) {
    faults.push(
      warned(
        `max_wal_size is ${formatBytes(wal)}, and ${early} of ${early + timed} checkpoints came before their time because of it.`,
        'Set max_wal_size = 8GB.',
      ),
    );
  }
  const timeout = amountOf(settings, 'checkpoint_timeout');
  if (timeout !== undefined && timeout < 300_000) {
    faults.push(
      warned(
        `checkpoint_timeout is ${timeout / 1000} s: whole pages are written to the WAL again and again.`,
        'Set checkpoint_timeout = 15min.',
      ),
    );
  }
  return faults;
}

/** What is on by default, and makes a plan bad where it is off. */
const PLANS = [
  ...['enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_nestloop'],
  ...['enable_sort', 'enable_hashagg', 'enable_seqscan', 'enable_mergejoin', 'enable_partition_pruning'],
];

export function judgePlanner(settings: Settings, { bytes }: ServerLoad, large: number): Fault[] {
  const faults: Fault[] = [];
  const off = PLANS.filter((name) => settings.get(name)?.setting === 'off');
  if (off.includes('enable_partition_pruning')) {
    faults.push(
      failed(
        'enable_partition_pruning is off: every statement looks into every quarter.',
        'Set enable_partition_pruning = on, on the server and for the role.',
      ),
    );
  }
  const others = off.filter((name) => name !== 'enable_partition_pruning');
  if (others.length > 0) {
    faults.push(
      warned(`${others.join(', ')} ${others.length === 1 ? 'is' : 'are'} off.`, `Set ${others[0]} = on.`),
    );
  }
  const random = amountOf(settings, 'random_page_cost');
  if (random !== undefined && random >= 4 && bytes >= large) {
    faults.push(
      warned(
        `random_page_cost is ${random}, as for disks that turn: the planner reads whole tables instead of indexes.`,
        'On an SSD set random_page_cost = 1.1.',
      ),
    );
  }
  const target = amountOf(settings, 'default_statistics_target');
  if (target !== undefined && target < 100) {
    faults.push(
      warned(
        `default_statistics_target is ${target}: the planner knows less of the tables than it could.`,
        'Set default_statistics_target = 100.',
      ),
    );
  }
  // On by default, and harmless with the default costs; with low ones every short statement is compiled first.
  const jit = amountOf(settings, 'jit_above_cost');
  if (settings.get('jit')?.setting === 'on' && jit !== undefined && jit >= 0 && jit < 100_000) {
    faults.push(
      warned(
        `jit is on with jit_above_cost ${jit}: short statements over many quarters are compiled before they run.`,
        'Set jit = off, or jit_above_cost = 100000.',
      ),
    );
  }
  return faults;
}

/** What a role or a database is set to that cuts long work, or changes what statements mean. */
export function judgeSession(settings: Settings, role: string, zone = 'UTC'): Fault[] {
  const faults: Fault[] = [];
  for (const name of ['statement_timeout', 'transaction_timeout', 'idle_session_timeout', 'lock_timeout']) {
    const found = settings.get(name);
    const ms = amountOf(settings, name) ?? 0;
    if (ms === 0 || found === undefined) continue;
    const what =
      name === 'lock_timeout'
        ? 'maintenance that waits for its turn is refused'
        : 'closing, archiving and index builds are cut in the middle';
    if (name === 'lock_timeout' && ms >= 5000) continue;
    faults.push(
      warned(
        `${name} is ${ms / 1000} s (by ${found.source}): ${what}.`,
        `Run: ALTER ROLE "${role}" SET ${name} = 0.`,
      ),
    );
  }
  const isolation = settings.get('default_transaction_isolation');
  if (isolation !== undefined && isolation.setting !== 'read committed') {
    faults.push(
      warned(
        `default_transaction_isolation is ${isolation.setting} (by ${isolation.source}): writers to one account fail and try again instead of waiting.`,
        `Run: ALTER ROLE "${role}" RESET default_transaction_isolation.`,
      ),
    );
  }
  const path = settings.get('search_path');
  const strange = (path?.setting ?? '')
    .split(',')
    .map((part) => part.trim().replaceAll('"', ''))
    .filter((part) => part !== '' && !['$user', 'public', 'pg_catalog', 'pg_temp'].includes(part));
  if (strange.length > 0 && path !== undefined) {
    faults.push(
      warned(
        `search_path names ${strange.join(', ')} (by ${path.source}): what stands there may be taken for PostgreSQL's own.`,
        `Run: ALTER ROLE "${role}" SET search_path = pg_catalog, pg_temp.`,
      ),
    );
  }
  const shown = settings.get('TimeZone');
  const isSet = ['user', 'database', 'database user'].includes(shown?.source ?? '');
  if (
    shown !== undefined &&
    isSet &&
    !['utc', 'etc/utc', 'gmt', zone.toLowerCase()].includes(shown.setting.toLowerCase())
  ) {
    faults.push(
      warned(
        `TimeZone is ${shown.setting} (by ${shown.source}), and the ledger is kept in ${zone}: what people ask by hand is cut at other hours than its days.`,
        `Run: ALTER ROLE "${role}" SET TimeZone = '${zone}'.`,
      ),
    );
  }
  return faults;
}
