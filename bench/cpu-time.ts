import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of a second in /proc (sysconf(_SC_CLK_TCK), which is 100 on every Linux that Node runs on). */
const TICKS = 100;

/**
 * The processor seconds that a process, and all it started, have taken so far; undefined where the system does not
 * tell. On a small machine, where both sides and the load share the cores, this says what a transaction costs
 * whatever else runs there.
 */
export function cpuSeconds(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  let ticks = 0;
  for (const { id, parent, spent } of processes()) if (id === pid || parent === pid) ticks += spent;
  return ticks / TICKS;
}

/**
 * The bytes that a process, and all it started, have read from files so far, from the disk or from the system's memory:
 * of PostgreSQL all that was not in its own buffers. Who is dead is in it too, as in the time above.
 */
export function bytesRead(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  let bytes = 0;
  for (const { id, parent } of processes()) {
    if (id === pid || parent === pid)
      bytes += Number(/^rchar: (\d+)$/m.exec(read(`/proc/${id}/io`))?.[1] ?? 0);
  }
  return bytes;
}

function* processes(): Iterable<{ id: number; parent: number; spent: number }> {
  for (const id of readdirSync('/proc').map(Number)) {
    const fields = id > 0 ? fieldsOf(id) : [];
    const [parent, user, system, ofDeadUser, ofDeadSystem] = [1, 11, 12, 13, 14].map((at) =>
      Number(fields[at]),
    );
    if (parent === undefined || Number.isNaN(parent)) continue;
    yield { id, parent, spent: (user ?? 0) + (system ?? 0) + (ofDeadUser ?? 0) + (ofDeadSystem ?? 0) };
  }
}

/** The fields after the command (proc_pid_stat(5)), which stands in parentheses and may hold anything. */
function fieldsOf(pid: number): string[] {
  return read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended since the folder was read.
    return '';
  }
}
