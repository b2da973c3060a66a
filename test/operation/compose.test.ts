import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { boardNames, readBoard, root } from './boards.ts';

const run = promisify(execFile);
const compose = join(root, 'compose');
const provisioning = join(compose, 'grafana', 'provisioning');
const hasPromtool = await run('promtool', ['--version']).then(
  () => true,
  () => false,
);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quartermaster-compose-'));
});
afterAll(() => rm(directory, { recursive: true }));

it.skipIf(!hasPromtool)(
  'promtool takes the configuration of Prometheus, with the rules beside it',
  async () => {
    const file = join(directory, 'prometheus.yaml');
    await copyFile(join(compose, 'prometheus.yaml'), file);
    const rules = join(root, 'helm', 'quartermaster', 'files', 'alerts.yaml');
    await copyFile(rules, join(directory, 'alerts.yaml')).catch(() =>
      writeFile(join(directory, 'alerts.yaml'), 'groups: []\n'),
    );
    const { stdout } = await run('promtool', ['check', 'config', file]);
    expect(stdout).toContain('is valid prometheus config file syntax');
    // It is able to refuse.
    await writeFile(file, 'scrape_configs: [{ targets: [] }]\n');
    await expect(run('promtool', ['check', 'config', file])).rejects.toThrow();
  },
);

it('Prometheus scrapes an API and a worker where they listen', async () => {
  const { scrape_configs: jobs } = parse(await readFile(join(compose, 'prometheus.yaml'), 'utf8'));
  expect(jobs).toEqual([
    { job_name: 'quartermaster-api', static_configs: [{ targets: ['api:7070'] }] },
    { job_name: 'quartermaster-worker', static_configs: [{ targets: ['worker:7071'] }] },
  ]);
});

it('Grafana finds that Prometheus, at the interval at which it scrapes', async () => {
  const { global } = parse(await readFile(join(compose, 'prometheus.yaml'), 'utf8'));
  const text = await readFile(join(provisioning, 'datasources', 'prometheus.yaml'), 'utf8');
  expect(parse(text)).toMatchObject({
    apiVersion: 1,
    datasources: [
      {
        type: 'prometheus',
        url: 'http://prometheus:9090',
        isDefault: true,
        jsonData: { timeInterval: global.scrape_interval },
      },
    ],
  });
});

it('Grafana reads the dashboards of the chart, and keeps no changes of its own', async () => {
  const text = await readFile(join(provisioning, 'dashboards', 'quartermaster.yaml'), 'utf8');
  expect(parse(text)).toMatchObject({
    apiVersion: 1,
    providers: [{ type: 'file', allowUiUpdates: false, options: { path: '/etc/grafana/dashboards' } }],
  });
  // Without an id of the database it came from, which another Grafana would take for one of its own.
  for (const name of boardNames) expect(readBoard(name)).not.toHaveProperty('id');
});
