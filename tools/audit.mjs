// Says what is known against the packages that the image installs. It reports and never fails: an advisory may have no
// remedy yet, and the registry may not answer such questions. Runs on whatever Node the machine has.
import { spawnSync } from 'node:child_process';

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const { stdout } = spawnSync(
  npm,
  ['audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=30000'],
  {
    encoding: 'utf8',
    timeout: 90_000,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
    shell: process.platform === 'win32',
  },
);

/** @returns {string[]} */
function report() {
  let answer;
  try {
    answer = JSON.parse(stdout);
  } catch {
    return ['npm audit: no answer from the registry.'];
  }
  const counts = answer.metadata?.vulnerabilities;
  if (counts === undefined)
    return [
      `npm audit: no answer from the registry (${answer.statusCode ?? answer.error?.code ?? 'no code'}).`,
    ];
  const packages = answer.metadata.dependencies?.prod ?? '?';
  const lines = Object.values(answer.vulnerabilities ?? {}).map(
    ({ name, severity, range, via, fixAvailable }) => {
      const titles = via.map((reason) =>
        typeof reason === 'string' ? `by ${reason}` : `${reason.title} ${reason.url}`,
      );
      return `  ${severity} ${name} ${range}: ${titles.join('; ')}${fixAvailable ? ' (a fix is there)' : ''}`;
    },
  );
  return [`npm audit: ${counts.total} of ${packages} packages of production have advisories.`, ...lines];
}

for (const line of report()) console.log(line);
