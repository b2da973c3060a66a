import { describe, expect, it } from 'vitest';
import { acceptsGzip } from '../../src/platform/accepts-gzip.ts';

describe('gzip', () => {
  it.each([
    'gzip',
    'GZip',
    'gzip, deflate, br, zstd',
    'br;q=1, gzip;q=0.2',
    'gzip ; q=0.001',
    '*',
    'br, *;q=0.1',
  ])('is taken by who sends %j', (header) => expect(acceptsGzip(header)).toBe(true));

  it.each([
    undefined,
    '',
    'br',
    'gzip;q=0',
    'gzip; Q=0.0',
    'gzip;q=0, *',
    '*;q=0',
    'x-gzip-like',
    'gzip;q=much',
  ])('is not taken by who sends %j', (header) => expect(acceptsGzip(header)).toBe(false));
});
