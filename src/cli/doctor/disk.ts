import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** A file system that hangs keeps whoever has asked it, also from ending. So another process asks, which can be ended. */
const LIMIT_MS = 5_000;

/** What is asked of a directory, as a program of its own: it prints what is wrong. */
const questions = {
  find: `
    const { statSync } = require('node:fs');
    try { statSync(directory); } catch (error) {
      if (error.code === 'ENOENT') process.stdout.write('missing');
    }`,
  write: `
    const { mkdirSync, rmSync, writeFileSync } = require('node:fs');
    const { join } = require('node:path');
    try {
      mkdirSync(directory, { recursive: true });
      const probe = join(directory, '.quartermaster-doctor-' + process.pid + '-' + Math.random());
      try { writeFileSync(probe, 'probe', { flag: 'wx' }); } finally { rmSync(probe, { force: true }); }
    } catch (error) { process.stdout.write(error.message); }`,
} as const;

/** Whether the directory is there, also where it may not be looked into. @throws when its file system does not answer */
export async function isThere(directory: string): Promise<boolean> {
  return (await ask('find', directory)) === '';
}

/** @throws what keeps us from writing there */
export async function tryWriting(directory: string): Promise<void> {
  const fault = await ask('write', directory);
  if (fault !== '') throw new Error(fault);
}

async function ask(question: keyof typeof questions, directory: string): Promise<string> {
  const program = `const directory = process.argv[1];${questions[question]}`;
  const child = spawn(process.execPath, ['-e', program, directory], { stdio: ['ignore', 'pipe', 'ignore'] });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    // Not even this ends one that the kernel holds, and it is not waited for.
    child.kill('SIGKILL');
    child.unref();
    child.stdout.destroy();
    late.reject(new Error(`its file system did not answer within ${LIMIT_MS / 1000} s`));
  }, LIMIT_MS);
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  try {
    return await Promise.race([text(child.stdout), failed, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
