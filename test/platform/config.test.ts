import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { packageRoot } from '../../src/db/root.ts';
import { readConfig } from '../../src/platform/config.ts';

function faultsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).kind).toBe('config');
    return (error as AppError).detail.split('\n');
  }
  return [];
}

describe('readConfig', () => {
  it('has a sensible value for everything but the database', () => {
    expect(readConfig({})).toMatchObject({
      databaseUrl: undefined,
      timezone: 'UTC',
      premakeQuarters: 4,
      onlineQuarters: 8,
      closeAfterDays: 10,
      dropAfterDays: 30,
      restoreDays: 14,
      fixityDays: 90,
      cacheDir: undefined,
      cacheMaxMib: 4096,
      host: '127.0.0.1',
      port: 7070,
      archiveApproval: 'auto',
      createQuarters: true,
    });
  });

  it('reads numbers, zones and switches', () => {
    const env = {
      QM_PORT: '0',
      QM_TIMEZONE: 'Asia/Kathmandu',
      QM_ARCHIVE_QUARTERS: 'off',
      QM_LEDGER_SET: '2024',
      QM_CACHE_DIR: '/var/cache/quartermaster',
      QM_CACHE_MAX_MIB: '100',
    };
    const config = readConfig(env);
    expect(config).toMatchObject({
      port: 0,
      timezone: 'Asia/Kathmandu',
      archiveQuarters: false,
      ledgerSet: '2024',
      cacheDir: '/var/cache/quartermaster',
      cacheMaxMib: 100,
    });
  });

  it('uses the database for direct connections unless told otherwise', () => {
    const url = 'postgres://app:x@pooler/db?sslmode=disable';
    expect(readConfig({ QM_DATABASE_URL: url }).directDatabaseUrl).toBe(url);
    const direct = 'postgres://app:x@db/db?sslmode=disable';
    expect(readConfig({ QM_DATABASE_URL: url, QM_DIRECT_DATABASE_URL: direct }).directDatabaseUrl).toBe(
      direct,
    );
  });

  it('takes an empty variable for one that is not set', () => {
    expect(readConfig({ QM_PORT: '', QM_REPLICA_URL: '' })).toMatchObject({
      port: 7070,
      replicaUrl: undefined,
    });
  });

  it('reports every fault at once, each with its name and what is allowed', () => {
    const faults = faultsOf({ QM_PORT: '99999', QM_TIMEZONE: 'Mars/Olympus', QM_ONLINE_QUARTERS: 'many' });
    expect(faults).toHaveLength(3);
    expect(faults.join('\n')).toMatch(/QM_PORT must be .* from 0 to 65535 \(it is "99999"\)/);
    expect(faults.join('\n')).toMatch(/QM_TIMEZONE must be the IANA zone/);
    expect(faults.join('\n')).toMatch(/QM_ONLINE_QUARTERS must be .*whole number/);
  });

  it('believes proxies of this machine, and those that it is told of by address or network', () => {
    const read = (QM_TRUSTED_PROXIES?: string) => readConfig({ QM_TRUSTED_PROXIES }).trustedProxies;
    expect(read()).toEqual(['127.0.0.0/8', '::1/128']);
    expect(read('10.1.2.3,fd00:20::/64')).toEqual(['10.1.2.3', 'fd00:20::/64']);
    for (const wrong of [
      ...['ingress', 'loopback', '10.1.2', '10.0.0.0/0', '10.0.0.0/33', '::/129', '::/0', '10.0.0.0/8/8'],
      ...['fe80::1%eth0', '10.1.2.3, 10.1.2.4', '10.1.2.3,', '10.0.0.0/255.0.0.0', '10.0.0.0/08'],
    ]) {
      expect(() => read(wrong), wrong).toThrow(/QM_TRUSTED_PROXIES must be the proxies/);
    }
  });

  it('leaves time to stop behind the drain', () => {
    expect(readConfig({ QM_DRAIN: '20' })).toMatchObject({ drain: 20, stopWithin: 25 });
    expect(faultsOf({ QM_DRAIN: '21', QM_PORT: 'x' })).toEqual([
      expect.stringContaining('QM_PORT'),
      'QM_DRAIN must leave 5 of the 25 seconds of QM_STOP_WITHIN (it is 21)',
    ]);
  });

  it.each(['7070.5', '-1', '0x10', '1e3', 'true', ' '])('refuses %j as a port', (port) => {
    expect(faultsOf({ QM_PORT: port })).toHaveLength(1);
  });

  it('never repeats a URL, which may hold a password', () => {
    const [fault] = faultsOf({ QM_DATABASE_URL: 'mysql://root:hunter2@host/db' });
    expect(fault).toMatch(/^QM_DATABASE_URL must be/);
    expect(fault).not.toContain('hunter2');
  });

  it('refuses a setting that does not exist, so that a misspelt one is not silently ignored', () => {
    expect(faultsOf({ QM_PREMAKE_QUARTER: '6' })).toEqual(['QM_PREMAKE_QUARTER: there is no such setting']);
  });
});

describe('the settings of an S3 store', () => {
  it('are none unless told otherwise', () => {
    expect(readConfig({ QM_STORE: 's3://bucket/some/prefix' })).toMatchObject({
      store: 's3://bucket/some/prefix',
      s3: { pathStyle: false, sse: 'none', lockMode: 'none', lockDays: 0 },
    });
  });

  it('are read', () => {
    const env = {
      QM_STORE: 's3://my-bucket.eu',
      QM_S3_ENDPOINT: 'https://storage.example.com:9000',
      QM_S3_REGION: 'eu-west-3',
      QM_S3_PATH_STYLE: 'on',
      QM_S3_SSE: 'aws:kms',
      QM_S3_KMS_KEY: 'arn:aws:kms:eu-west-3:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
      QM_S3_LOCK_MODE: 'GOVERNANCE',
      QM_S3_LOCK_DAYS: '3650',
    };
    expect(readConfig(env).s3).toEqual({
      endpoint: env.QM_S3_ENDPOINT,
      region: 'eu-west-3',
      pathStyle: true,
      sse: 'aws:kms',
      kmsKey: env.QM_S3_KMS_KEY,
      lockMode: 'GOVERNANCE',
      lockDays: 3650,
    });
  });

  it('are refused where one of them says nothing without another', () => {
    expect(faultsOf({ QM_S3_LOCK_MODE: 'COMPLIANCE' })).toEqual([
      'QM_S3_LOCK_DAYS must be set together with QM_S3_LOCK_MODE',
    ]);
    for (const mode of ['', 'none']) {
      expect(faultsOf({ QM_S3_LOCK_DAYS: '30', QM_S3_LOCK_MODE: mode })).toEqual([
        'QM_S3_LOCK_MODE must be set together with QM_S3_LOCK_DAYS',
      ]);
    }
    for (const sse of ['', 'none', 'AES256']) {
      expect(faultsOf({ QM_S3_KMS_KEY: 'alias/books', QM_S3_SSE: sse })).toEqual([
        'QM_S3_SSE must be aws:kms where QM_S3_KMS_KEY is set',
      ]);
    }
    expect(faultsOf({ QM_S3_SSE: 'aws:kms' })).toEqual([]);
  });

  it.each([
    ['QM_STORE', 's3://'],
    ['QM_STORE', 's3://Bucket'],
    ['QM_STORE', 's3://bucket//prefix'],
    ['QM_STORE', 's3://bucket/../prefix'],
    ['QM_STORE', 's3://bucket/a b'],
    ['QM_STORE', 'gs://bucket'],
    ['QM_STORE', 'file://host/directory'],
    ['QM_STORE', 'file:./a%ZZ'],
    ['QM_STORE', 'file:///a%2Fb'],
    ['QM_STORE', 'file:///archive?region=eu'],
    ['QM_STORE', 'file:///'],
    ['QM_STORE', 'file:'],
    ['QM_S3_ENDPOINT', 'ftp://host'],
    ['QM_S3_REGION', 'Europe'],
    ['QM_S3_SSE', 'yes'],
    ['QM_S3_LOCK_DAYS', '0'],
  ])('are refused when they are wrong: %s=%s', (name, value) => {
    expect(
      faultsOf({ QM_S3_LOCK_MODE: name === 'QM_S3_LOCK_DAYS' ? 'GOVERNANCE' : 'none', [name]: value }),
    ).toEqual([expect.stringContaining(`${name} must be`)]);
  });

  it('never repeat what may be a key in a wrong place', () => {
    const faults = faultsOf({
      QM_STORE: 's3://AKIAEXAMPLE:hunter2@bucket/prefix',
      QM_S3_ENDPOINT: 'https://AKIAEXAMPLE:hunter2@host',
    });
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toMatch(/hunter2|AKIA/);
  });
});

it('every setting stands in the README, and no other', async () => {
  const read = (path: string) => readFile(join(packageRoot(), path), 'utf8');
  const settings = [...(await read('src/platform/settings.ts')).matchAll(/^ {2}(QM_\w+):/gm)];
  const rows = (await read('README.md')).split('\n').filter((line) => /^\| `QM_/.test(line));
  const told = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(QM_\w+)`/g)]);
  const names = (found: RegExpMatchArray[]) => found.map(([, name]) => name).sort();
  expect(names(settings).length).toBeGreaterThan(30);
  expect(names(told)).toEqual(names(settings));
});
