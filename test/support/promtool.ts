import { execFile, execFileSync } from 'node:child_process';

/** Whether promtool is installed; .ci/run installs it. */
export function hasPromtool(): boolean {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What `promtool check metrics` says of a page: nothing of a good one. */
export function checkMetrics(page: string): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile('promtool', ['check', 'metrics'], (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
    child.stdin?.end(page);
  });
}
