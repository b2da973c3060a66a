import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../src/db/root.ts';
import { readConfig } from '../../src/platform/config.ts';

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly restart?: string;
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

const root = packageRoot();
const text = readFileSync(join(root, 'compose.yaml'), 'utf8');
/** As Compose reads it: merged, and with what stands in for variables that are not set. */
const house = parse(
  text.replace(/\$\{\w+:-([^}]*)\}/g, (_, fallback: string) => fallback),
  { merge: true },
) as { services: Record<string, Service>; volumes: Record<string, null> };
const services = Object.entries(house.services);
const ours = services.filter(([, { image }]) => image.startsWith('quartermaster:'));

/** Commands that understand the file itself, where one is installed. */
const composers = [['docker', 'compose'], ['docker-compose']] as const;
const [composer, ...words] = composers.find(works) ?? [];

describe('compose.yaml', () => {
  it('has the whole house', () => {
    expect(services.map(([name]) => name)).toEqual(
      expect.arrayContaining(['postgres', 'replica', 'pgbouncer', 's3', 'prometheus', 'grafana']),
    );
    expect(ours.map(([name, { command }]) => [name, command?.join(' ')])).toEqual([
      ['migrate', 'migrate up'],
      ['api', 'api'],
      ['worker', 'worker'],
    ]);
  });

  it.skipIf(composer === undefined)('is one that Compose takes', () => {
    execFileSync(composer ?? '', [...words, '-f', join(root, 'compose.yaml'), 'config', '--quiet'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  });

  it('names every image by a version, and builds ours', () => {
    const loose = services.filter(([, { image }]) => !/:v?\d+(\.\d+)+[\w.-]*$/.test(image));
    expect(loose).toEqual(ours);
    expect(ours.filter(([, { build }]) => build !== '.')).toEqual([]);
  });

  it('is reached from this machine alone', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
    expect(new Set(ports.map((port) => port.split(':')[1])).size).toBe(ports.length);
  });

  it('runs our commands as strictly as the chart', () => {
    for (const [, service] of ours) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        tmpfs: ['/tmp', '/var/cache/quartermaster'],
      });
    }
  });

  it('gives our commands settings that they take, each its own role, and the pooler but for a migration', () => {
    for (const [name, { environment = {} }] of ours) {
      const config = readConfig(environment);
      const role = { migrate: 'owner', api: 'api', worker: 'worker' }[name];
      const users = [config.databaseUrl, config.directDatabaseUrl, config.replicaUrl ?? config.databaseUrl];
      expect(users.map((url) => new URL(url ?? '').username)).toEqual(Array(3).fill(`quartermaster_${role}`));
      expect(new URL(config.databaseUrl ?? '').host).toBe(
        name === 'migrate' ? 'postgres:5432' : 'pgbouncer:6432',
      );
      expect(new URL(config.directDatabaseUrl ?? '').host).toBe('postgres:5432');
      expect(config.s3.endpoint).toMatch(/^http:\/\/s3:\d+$/);
    }
  });

  it('waits for what is there, in a way that can come true', () => {
    for (const [name, { depends_on = {} }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const needed = house.services[other];
        const can =
          condition === 'service_healthy'
            ? needed?.healthcheck !== undefined
            : condition === 'service_completed_successfully' && needed?.restart === 'no';
        expect([name, other, can]).toEqual([name, other, true]);
      }
    }
    expect(house.services.migrate?.depends_on).toHaveProperty('roles');
    expect(house.services.api?.depends_on).toHaveProperty('migrate');
    expect(house.services.worker?.depends_on).toHaveProperty('migrate');
  });

  it('holds no secret: every password has a default that says what it is', () => {
    expect([...text.matchAll(/\$\{[^}]*\}/g)].map(([found]) => found)).toEqual(
      Array(text.split('$' + '{').length - 1).fill('$' + '{DEV_PASSWORD:-only-for-this-laptop}'),
    );
    const secrets = services.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|SECRET/.test(name)),
    );
    expect(secrets.length).toBeGreaterThan(5);
    expect(new Set(secrets.map(([, value]) => value))).toEqual(new Set(['only-for-this-laptop']));
  });

  it('mounts what is there, and keeps what it declares', () => {
    const mounts = services.flatMap(([, { volumes = [] }]) => volumes.map((each) => each.split(':')));
    const files = mounts.filter(([source]) => source?.startsWith('./'));
    expect(files.filter(([source = '']) => !existsSync(join(root, source)))).toEqual([]);
    expect(files.filter(([, , mode]) => mode !== 'ro')).toEqual([]);
    const named = mounts.map(([source]) => source).filter((source) => !source?.startsWith('./'));
    expect(named.sort()).toEqual(Object.keys(house.volumes).sort());
  });

  it('has a pooler that keeps no prepared statement for a client, whatever its version does unless it is told', () => {
    const settings = readFileSync(join(root, 'compose/pgbouncer/pgbouncer.ini'), 'utf8');
    expect(settings).toMatch(/^pool_mode = transaction$/m);
    expect(settings).toMatch(/^max_prepared_statements = 0$/m);
  });

  it('has scripts that shells understand', () => {
    for (const path of [
      'postgres/primary.sh',
      'postgres/replica.sh',
      'postgres/roles.sh',
      'pgbouncer/start.sh',
    ]) {
      const script = join(root, 'compose', path);
      const shell = readFileSync(script, 'utf8').startsWith('#!/bin/sh') ? 'sh' : 'bash';
      execFileSync(shell, ['-n', script]);
    }
  });
});

function works([command, ...args]: readonly string[]): boolean {
  try {
    execFileSync(command ?? '', [...args, 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
