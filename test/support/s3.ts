import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { plainS3, type S3Settings } from '../../src/platform/s3-settings.ts';

export interface TestS3 {
  readonly endpoint: string;
  readonly bucket: string;
  /** Where the server keeps the bucket: an object is the file `KEY._S3rver_object` in it. */
  readonly directory: string;
  /** For a store in it. */
  readonly settings: S3Settings;
  readonly env: Readonly<Record<string, string>>;
  /** How many uploads in parts below a prefix were begun and neither completed nor aborted. */
  countUploads(prefix: string): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Starts an S3 server of one's own: a process on the loopback, with a bucket in a directory that is removed at the end.
 * The credentials it takes are put into this process's environment, where the SDK looks for them.
 */
export async function startS3({ bucket = 'archive' }: { bucket?: string } = {}): Promise<TestS3> {
  const root = await mkdtemp(join(tmpdir(), 'test-s3-'));
  // It makes its continuation tokens with DES, and depends on much that Node warns of.
  const options = ['--openssl-legacy-provider', '--no-warnings'];
  const script = join(import.meta.dirname, 's3-process.ts');
  const child = spawn(process.execPath, [...options, script, root, bucket], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const first = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(() => undefined),
  ]);
  if (first === undefined) throw new Error('the S3 server did not start');
  const endpoint = `http://127.0.0.1:${first[0]}`;
  const env = {
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  const directory = join(root, bucket);
  return {
    endpoint,
    bucket,
    directory,
    settings: { ...plainS3, endpoint, pathStyle: true },
    env,
    countUploads: async (prefix) => {
      const uploads = join(directory, '._S3rver_uploads');
      const ids = await readdir(uploads).catch(() => []);
      const keys = await Promise.all(
        ids.map((id) => readFile(join(uploads, id, 'key'), 'utf8').catch(() => '')),
      );
      return keys.filter((key) => key.startsWith(prefix)).length;
    },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      await rm(root, { recursive: true, force: true });
    },
  };
}
