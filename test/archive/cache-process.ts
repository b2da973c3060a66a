import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { ArchivePart } from '../../src/archive/cache.ts';

/** What a process is to fetch, and where it dies if it shall. */
export interface CacheTask {
  readonly root: string;
  readonly directory: string;
  readonly maxBytes: number;
  readonly parts: readonly Omit<ArchivePart, 'store'>[];
  readonly dieIn?: string;
}

/** Runs it to its end: what it printed, and the signal that ended it if one did. */
export async function fetchInProcess(
  task: CacheTask,
): Promise<{ hashes: unknown; signal: NodeJS.Signals | null }> {
  const script = new URL('./cache-child.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed, [, signal]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { hashes: printed === '' ? undefined : JSON.parse(printed), signal };
}
