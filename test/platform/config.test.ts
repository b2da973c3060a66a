import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
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
    const url = 'postgres://app:x@pooler/db';
    expect(readConfig({ QM_DATABASE_URL: url }).directDatabaseUrl).toBe(url);
    const direct = 'postgres://app:x@db/db';
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
