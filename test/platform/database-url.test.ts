import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/platform/config.ts';
import { protectionOf, verifiedUrl } from '../../src/platform/database-url.ts';

const base = 'postgres://app:p%40ss%2Fw@db.example.com:5432/ledger';

describe('the URL of a database', () => {
  it.each([
    ['', '?sslmode=disable'],
    ['?application_name=x', '?application_name=x&sslmode=disable'],
    ['?sslcert=/c.crt&sslkey=/c.key', '?sslcert=/c.crt&sslkey=/c.key&sslmode=verify-full'],
    ['?sslnegotiation=direct', '?sslnegotiation=direct&sslmode=verify-full'],
    ['?sslmode=disable', '?sslmode=disable'],
    ['?sslmode=no-verify', '?sslmode=no-verify'],
    ['?sslmode=verify-full', '?sslmode=verify-full'],
    ['?sslmode=require', '?sslmode=verify-full'],
    ['?sslmode=verify-ca&a=b', '?a=b&sslmode=verify-full'],
    ['?a=b&sslmode=require&sslrootcert=/etc/ca.crt', '?a=b&sslrootcert=/etc/ca.crt&sslmode=verify-full'],
    ['?sslmode=require&uselibpqcompat=true', '?sslmode=verify-full'],
    ['?sslmode=verify-full&sslrootcert=system', '?sslmode=verify-full'],
    ['?sslrootcert=system&x=1', '?x=1&sslmode=verify-full'],
    ['?sslrootcert=/etc/ca.crt', '?sslrootcert=/etc/ca.crt&sslmode=verify-full'],
    ['?sslrootcert=systemd.crt&sslmode=require', '?sslrootcert=systemd.crt&sslmode=verify-full'],
  ])('with %s is connected to with %s, and is else as it was written', (given, wanted) => {
    expect(verifiedUrl(`${base}${given}`)).toBe(`${base}${wanted}`);
    expect(verifiedUrl(`${base}${wanted}`)).toBe(`${base}${wanted}`);
  });

  it('is of a process in this form, whichever of the three it is', () => {
    const url = `${base}?sslmode=require`;
    const config = readConfig({ QM_DATABASE_URL: url, QM_DIRECT_DATABASE_URL: url, QM_REPLICA_URL: url });
    const wanted = `${base}?sslmode=verify-full`;
    expect(config).toMatchObject({ databaseUrl: wanted, directDatabaseUrl: wanted, replicaUrl: wanted });
  });

  it.each(['prefer', 'allow', 'verfy-full', 'VERIFY-FULL', ''])(
    'is refused with sslmode=%s, and not repeated',
    (mode) => {
      const read = () => readConfig({ QM_REPLICA_URL: `${base}?sslmode=${mode}` });
      expect(read).toThrow(/QM_REPLICA_URL must be .* sslmode, if given, is verify-full/);
      expect(read).not.toThrow(/p%40ss/);
    },
  );

  it.each([
    'ssl=no-verify',
    'ssl=true',
    'ssl=0',
    'sslmode=verify-full&ssl=no-verify',
    'sslmode=verify-full&sslmode=no-verify',
  ])('is refused with %s, for sslmode alone says how it is connected to', (parameters) => {
    const read = () => readConfig({ QM_DATABASE_URL: `${base}?${parameters}` });
    expect(read).toThrow(
      /QM_DATABASE_URL must be .* and is there once; ssl= is not looked at: write sslmode/,
    );
  });

  it.each(['no-verify', 'require', 'verify-full'])(
    'is refused where PGSSLMODE=%s would be thought to say it, and not where the URL does or it stays here',
    (mode) => {
      const read = (url: string) => readConfig({ QM_REPLICA_URL: url, PGSSLMODE: mode });
      expect(() => read(base)).toThrow('QM_REPLICA_URL must name its sslmode itself');
      expect(read(`${base}?sslmode=verify-full`).replicaUrl).toBe(`${base}?sslmode=verify-full`);
      expect(read('postgres://a@localhost/db').replicaUrl).toBe('postgres://a@localhost/db?sslmode=disable');
    },
  );

  it.each([
    ['postgres://a@localhost/db', 'local'],
    ['postgres://a@[::1]/db', 'local'],
    ['postgres://a@127.0.0.1/db?sslmode=disable', 'local'],
    ['postgres:///db?host=/run/postgresql', 'local'],
    ['postgres://a@db.example.com/db', 'plain'],
    ['postgres://a@localhost/db?host=db.example.com', 'plain'],
    ['postgres://a@db.example.com/db?sslmode=disable', 'plain'],
    ['postgres://a@db.example.com/db?sslmode=no-verify', 'unverified'],
    ['postgres://a@db.example.com/db?sslmode=verify-full', 'verified'],
    ['postgres://a@127.0.0.1.example.com/db', 'plain'],
    ['postgres://a@db.example.com/db?sslcert=/c.crt&sslkey=/c.key', 'verified'],
    ['postgres://a@localhost/db?host=localhost&host=db.example.com', 'plain'],
  ])('%s is %s', (url, wanted) => {
    expect(protectionOf(url).protection).toBe(wanted);
  });
});
