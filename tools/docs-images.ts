// Makes the pictures of the documentation from the real page: `npm run docs:images`. It starts the demo in a folder of its own, signs in
// as its reader would, and takes docs/images/console.png. Needs Chromium (Debian's `chromium`).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const root = join(import.meta.dirname, '..');
const images = join(root, 'docs', 'images');
const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const size = { width: 1280, height: 1000 };

const executablePath = browsers.find((path) => existsSync(path));
if (executablePath === undefined) throw new Error(`There is no Chromium: none of ${browsers.join(', ')}.`);

const folder = mkdtempSync(join(tmpdir(), 'quartermaster-images-'));
// PostgreSQL refuses to be root, and whoever it is then has to get through.
chmodSync(folder, 0o755);
const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QM_')));
const settings = { QM_PORT: '0', QM_WORKER_PORT: '0', QM_TIMEZONE: 'Europe/Paris' };
const demo = spawn(process.execPath, [join(root, 'src/main/cli.ts'), 'demo', '--share', '10'], {
  cwd: folder,
  env: { ...own, ...settings },
  stdio: ['ignore', 'ignore', 'pipe'],
});
const ended = once(demo, 'close');
try {
  const { API, KEY } = await served();
  mkdirSync(images, { recursive: true });
  await takePicture(`${API}/console`, KEY ?? '', join(images, 'console.png'));
} finally {
  demo.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}

/** The address and the key of the demo, when it has said that another terminal may use them. */
async function served(): Promise<Record<string, string>> {
  for await (const line of createInterface({ input: demo.stderr })) {
    console.error(line);
    if (!line.startsWith('Another terminal')) continue;
    const text = readFileSync(join(folder, 'var', 'env.sh'), 'utf8');
    return Object.fromEntries(
      [...text.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
    );
  }
  throw new Error('The demo ended before it served.');
}

async function takePicture(url: string, key: string, path: string): Promise<void> {
  const browser = await chromium.launch({
    executablePath: executablePath ?? '',
    args: ['--no-sandbox', '--disable-gpu'],
    env: { ...own, HOME: folder } as Record<string, string>,
  });
  try {
    const page = await browser.newPage({ viewport: size, colorScheme: 'light', locale: 'en-GB' });
    await page.goto(url);
    await page.getByLabel('Key', { exact: true }).fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await page.waitForLoadState('networkidle');
    await page.getByRole('heading', { level: 1 }).focus();
    await page.screenshot({ path });
  } finally {
    await browser.close();
  }
}
