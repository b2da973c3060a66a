// Builds the image and puts it through test/image, read-only and without capabilities: `npm run image:check`.
//
// It uses the Docker that answers. Where none does, root gets a private one (a dockerd of its own on a socket in a temporary
// directory, without a bridge and without touching the firewall). Where the base image cannot be pulled, one is made of
// Debian's packages (debootstrap) and this very Node, to which the official one is close enough for everything that is looked at.
// Both are gone afterwards. What it tests with is PostgreSQL of this checkout: run `npm ci` first.
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const official = 'node:24-bookworm-slim';
const folder = mkdtempSync(join(tmpdir(), 'quartermaster-docker-'));
/** Undone in the opposite order, whatever happens. */
const undo = [() => rmSync(folder, { recursive: true, force: true })];

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options });
  if (error ?? status !== 0)
    throw new Error(`${command} ${args[0] ?? ''} failed (${error?.message ?? status}).`);
}

/** @param {string} command @param {string[]} args */
const works = (command, ...args) =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 120_000 }).status === 0;

/** @param {string} command @param {string[]} args */
const said = (command, ...args) => spawnSync(command, args, { encoding: 'utf8' }).stdout?.trim() ?? '';

async function ensureDocker() {
  if (works('docker', 'info')) return;
  if (process.getuid?.() !== 0 || !works('dockerd', '--version')) {
    throw new Error(
      'No Docker answers. Start one, or run this as root where dockerd is installed (Debian: docker.io).',
    );
  }
  const socket = `unix://${join(folder, 'docker.sock')}`;
  const daemon = spawn(
    'dockerd',
    [
      ...['--host', socket, '--pidfile', join(folder, 'docker.pid')],
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false'],
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  undo.push(async () => {
    daemon.kill('SIGTERM');
    await ended;
    // The one mount that it leaves; a directory with a mount in it cannot be removed.
    spawnSync('umount', [join(folder, 'exec', 'netns', 'default')], { stdio: 'ignore' });
  });
  process.env.DOCKER_HOST = socket;
  for (let tries = 0; !works('docker', 'info'); tries++) {
    if (tries === 60 || daemon.exitCode !== null) throw new Error('dockerd does not start on this machine.');
    await delay(500);
  }
}

function ensureBase() {
  const wanted = process.env.QM_TEST_NODE_IMAGE ?? official;
  if (works('docker', 'image', 'inspect', wanted) || works('docker', 'pull', '--quiet', wanted)) return;
  if (wanted !== official || process.getuid?.() !== 0 || !works('debootstrap', '--version')) {
    throw new Error(
      `${wanted} cannot be pulled. Name a base that can in QM_TEST_NODE_IMAGE, or install debootstrap and run this as root.`,
    );
  }
  console.error('The base cannot be pulled, so one is made of Debian packages. This takes a minute.');
  const base = join(folder, 'base');
  run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', base], {
    stdio: ['ignore', 'ignore', 2],
  });
  // As slim as the official one.
  for (const part of [
    'usr/share/doc',
    'usr/share/man',
    'usr/share/locale',
    'var/cache/apt',
    'var/lib/apt/lists',
    'var/log',
  ]) {
    rmSync(join(base, part), { recursive: true, force: true });
    mkdirSync(join(base, part), { recursive: true });
  }
  const local = join(base, 'usr', 'local');
  copyFileSync(realpathSync(process.execPath), join(local, 'bin', 'node'));
  mkdirSync(join(local, 'lib', 'node_modules'), { recursive: true });
  // The file that is run lies in npm's own bin.
  const npm = dirname(dirname(realpathSync(said('sh', '-c', 'command -v npm'))));
  cpSync(npm, join(local, 'lib', 'node_modules', 'npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin', 'npm'));
  // How this machine reaches its registry belongs to the base, so that nothing of it comes into the Dockerfile.
  const settings = [`registry=${said('npm', 'config', 'get', 'registry')}`];
  const authority = process.env.NODE_EXTRA_CA_CERTS;
  if (authority !== undefined) {
    copyFileSync(authority, join(local, 'etc', 'authority.pem'));
    settings.push('cafile=/usr/local/etc/authority.pem');
  }
  writeFileSync(join(local, 'etc', 'npmrc'), `${settings.join('\n')}\n`);
  const archive = join(folder, 'base.tar');
  run('tar', ['--directory', base, '--one-file-system', '--create', '--file', archive, '.']);
  rmSync(base, { recursive: true, force: true });
  run('docker', ['import', '--change', 'CMD ["node"]', archive, official]);
  rmSync(archive);
  undo.push(() => spawnSync('docker', ['image', 'rm', '--force', official], { stdio: 'ignore' }));
}

try {
  await ensureDocker();
  ensureBase();
  run(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', 'test/image'], {
    cwd: root,
    env: { ...process.env, QM_TEST_IMAGE: 'build' },
    stdio: 'inherit',
  });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  for (const step of undo.reverse()) await step();
}
