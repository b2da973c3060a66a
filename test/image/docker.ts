import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/db/root.ts';
import type { Program } from './program.ts';

const execute = promisify(execFile);

/** Runs `docker …` and gives what it printed. */
export async function docker(...args: string[]): Promise<string> {
  const { stdout } = await execute('docker', args, { maxBuffer: 64 * 1024 * 1024, timeout: 480_000 });
  return stdout.trim();
}

/** Builds the Dockerfile and gives the image's id. `QM_TEST_NODE_IMAGE` names another base. */
export async function buildImage(version: string): Promise<string> {
  const base = process.env.QM_TEST_NODE_IMAGE;
  const given = [`VERSION=${version}`, 'REVISION=of-a-test', ...(base ? [`NODE_IMAGE=${base}`] : [])];
  const tag = `quartermaster:test-${randomUUID()}`;
  const values = given.flatMap((value) => ['--build-arg', value]);
  await docker('build', '--quiet', '--network=host', ...values, '--tag', tag, packageRoot());
  return tag;
}

/** How strictly Kubernetes may hold a container, and what the chart gives it to write on. */
export const restrictions = [
  '--read-only',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  '--tmpfs=/tmp',
  '--tmpfs=/var/cache/quartermaster',
  '--network=host',
];

/** The image under the restrictions, with these directories mounted where they are on this machine. */
export function imageProgram(image: string, options: { mounts?: string[]; user?: string } = {}): Program {
  const mounts = (options.mounts ?? []).flatMap((path) => ['--volume', `${path}:${path}`]);
  const user = options.user === undefined ? [] : ['--user', options.user];
  return {
    line: (environment) => [
      'docker',
      ...['run', '--rm', ...restrictions, ...mounts, ...user],
      ...Object.keys(environment).flatMap((name) => ['--env', name]),
      image,
    ],
    cwd: tmpdir(),
    inherits: ['DOCKER_HOST', 'HOME'],
  };
}

/** What a command prints in a container of the image, in place of quartermaster. */
export function inImage(image: string, command: string, ...args: string[]): Promise<string> {
  return docker('run', '--rm', ...restrictions, '--entrypoint', command, image, ...args);
}

/** A base that is only its files has one layer; the image's other bytes are ours. */
export async function bytesAbove(image: string, base: string): Promise<{ total: number; ours: number }> {
  const sizeOf = async (name: string) => Number(await docker('image', 'inspect', '--format={{.Size}}', name));
  const [total, below] = [await sizeOf(image), await sizeOf(base)];
  return { total, ours: total - below };
}

export const appFile = (path: string) => join('/app', path);
