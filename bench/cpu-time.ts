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
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    // It ended since the folder was read.
    return [];
  }
}
