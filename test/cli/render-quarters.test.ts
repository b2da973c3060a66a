import { describe, expect, it } from 'vitest';
import { localTime } from '../../src/cli/local-time.ts';
import { unpainted } from '../../src/cli/paint.ts';
import type { QuarterOutline } from '../../src/cli/quarter-facts.ts';
import { renderQuarters } from '../../src/cli/render-list.ts';
import { renderQuarter } from '../../src/cli/render-quarter.ts';
import { renderFacts, renderOutlook, renderReport } from '../../src/cli/render-verbs.ts';
import { displayWidth } from '../../src/cli/width.ts';
import { quarterDetail, quarterJob } from '../http/quarters.ts';

const now = new Date('2026-01-20T12:00:00Z');
const time = localTime('UTC');
const setting = { now, time, width: Number.POSITIVE_INFINITY };

const shown = (...args: Parameters<typeof renderQuarter>) => unpainted(renderQuarter(...args));
const listed = (
  quarters: readonly QuarterOutline[],
  more: Partial<Parameters<typeof renderQuarters>[1]> = {},
) => unpainted(renderQuarters(quarters, { ...setting, ...more }));

/** A quarter with nothing to be said of it but what is given. */
function outline(parts: Partial<QuarterOutline> = {}): QuarterOutline {
  return { ...quarterDetail({ awaiting: [] }), next: null, ...parts };
}

describe('a quarter', () => {
  it('is told from the top: its life, its facts, what comes next, who agreed, its story, its files', () => {
    const next = { verb: 'drop', at: new Date('2026-02-09T00:00:00Z'), withheld: 'was_restored' };
    const text = shown(quarterDetail({ restoredAt: new Date(0) }), { ...setting, next });
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        '2024q1  ◌ detached, drop waits   times of UTC',
        '  ✓ open     › ✓ closed   › ✓ archived › [◌ detached] › · dropped',
        '               2026-01-10   2026-01-10   2026-01-10',
        'Days      2024-01-01 to 2024-03-31',
        'Rows      3 transactions, 6 entries',
        'Archive   file:///archive/ledger/2024q1',
        '          900 B, 12 rows; read and found right 2026-01-10 00:00',
        'Digest    abc',
        'Copy      in schema audit by bob, until 2026-02-01 00:00: audit',
        '  drop by itself from 2026-02-09 00:00 on, but it was restored once, so that a person has to want it',
        '  drop asked for by ada, 2026-01-10 00:00 (retention is over): waits until somebody else approves',
        '  2026-01-10 00:00  close  ada',
      ]),
    );
    const order = ['✓ open', 'Days', 'Next', 'Approvals', 'Story', 'Files'].map((part) => text.indexOf(part));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  it('fits a terminal of 80 columns, and loses nothing', () => {
    const reason = 'a reason that somebody has told at some length, as it happens when lawyers are asked to';
    const at = new Date('2026-01-10T00:00:00Z');
    const events = [{ at, event: 'hold', actor: 'ada', reason, detail: {} }];
    const sha256 = 'f'.repeat(64);
    const files = [{ path: 'entries/part-0000.parquet', table: 'entries', rows: 6n, bytes: 450n, sha256 }];
    const quarter = quarterDetail({ state: 'restored', droppedAt: at, restoredAt: at, events, files });
    const text = shown(quarter, { ...setting, width: 80 });
    for (const line of text.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(80);
    expect(text.replace(/\s+/g, ' ')).toContain(reason);
    expect(text).toContain(sha256);
    expect(text).toMatch(/✓ dropped {2}› \[↺ restored\]$/m);
  });

  it('has its times in the zone that is named', () => {
    const tokyo = localTime('Asia/Tokyo');
    const start = new Date('2023-12-31T15:00:00Z');
    const end = new Date('2024-03-31T15:00:00Z');
    const text = shown(quarterDetail({ start, end }), { ...setting, time: tokyo });
    expect(text).toContain('times of Asia/Tokyo');
    expect(text).toContain('2024-01-01 to 2024-03-31');
    expect(text).toContain('  2026-01-10 09:00  close  ada');
  });

  it('says when its archive is damaged, or all there is of it, and why a close was refused', () => {
    expect(shown(quarterDetail({ verifiedAt: null }), setting)).toContain(
      '12 rows; FOUND DAMAGED when it was last read',
    );
    const at = new Date('2026-03-01T00:00:00Z');
    const dropped = shown(quarterDetail({ state: 'dropped', droppedAt: at }), setting);
    expect(dropped).toContain('Dropped   2026-03-01 00:00: its archive is all there is of it');
    expect(shown(quarterDetail({ state: 'restored', droppedAt: at }), setting)).not.toContain('all there is');
    const items = [{ name: 'sums', ok: false, detail: 'EUR is off by 1.' }] as const;
    expect(shown(quarterDetail({ checks: { at, items } }), setting)).toContain(
      '  FAILED  sums: EUR is off by 1.',
    );
  });

  it('steers no terminal, whoever wrote what is told of it', () => {
    const evil = 'x\u001b[2J\u202ey\nz';
    const at = new Date(0);
    const events = [{ at, event: 'hold', actor: evil, reason: evil, detail: {} }];
    const text = shown(quarterDetail({ holdReason: evil, events, location: evil }), setting);
    for (const sign of ['\u001b', '\u202e']) expect(text).not.toContain(sign);
    expect(text).toContain('x\\u001b[2J\\u202ey\\nz');
  });
});

describe('the list', () => {
  it('has a sign for each state, marks, and what comes next', () => {
    const at = new Date('2026-04-11T00:00:00Z');
    const text = listed([
      outline({ name: '2024q1', state: 'closed', staleReason: '2023q4 was reopened' }),
      outline({ name: '2024q2', state: 'restored', exact: false, next: { verb: 'release', at } }),
      outline({ name: '2024q3', holdReason: 'audit', next: { verb: 'drop', at, withheld: 'held' } }),
      outline({
        ...{ name: '2026q1', state: 'open', archivedBytes: 0n, verifiedAt: null, attached: true },
        ...{ start: new Date('2026-01-01'), end: new Date('2026-04-01'), next: { verb: 'close', at } },
      }),
    ]);
    const lines = text.split('\n');
    expect(lines[1]).toMatch(/^2024q1 +◐ closed, stale +3 +6 /);
    expect(lines[2]).toMatch(/^2024q2 +↺ restored +~3 +~6 .* release 2026-04-11 /);
    expect(lines[3]).toMatch(/^2024q3 +◌ detached, held .* drop 2026-04-11, held /);
    expect(lines[4]).toMatch(/^2026q1 +○ open, now .* close 2026-04-11 /);
    expect(lines[6]).toBe(
      '4 quarters (1 open, 1 closed, 1 detached, 1 restored); ~12 transactions; 32.0 KiB online; 2.6 KiB archived.',
    );
    expect(lines.at(-1)).toBe('Days are those of UTC.');
  });

  it.each([
    [
      outline({ awaiting: ['drop'] }),
      'drop waits until a second person agrees: quartermaster quarters approve 2024q1',
    ],
    [outline({ verifiedAt: null }), 'its archive was damaged when it was last read'],
    [outline({ state: 'closed', attached: true, staleReason: 'x' }), 'has to be closed again (x)'],
    [outline({ state: 'open' }), 'not all of its tables are part of the ledger: quartermaster doctor'],
    [
      outline({ next: { verb: 'drop', at: new Date('2026-01-01'), withheld: 'held' } }),
      'drop is due, but it is held',
    ],
    [
      outline({ next: { verb: 'drop', at: new Date('2026-01-01') } }),
      'drop is overdue. See that a worker runs',
    ],
  ])('says what needs somebody %#', (quarter, said) => {
    expect(listed([quarter])).toContain(`! 2024q1: ${said}`);
  });

  it('says when nothing does, and what a worker failed at', () => {
    const soon = { verb: 'drop', at: new Date('2026-01-20T11:00:00Z') };
    expect(listed([outline({ next: soon })])).toContain('✓ Nothing waits for anybody.');
    const error = { kind: 'refused', code: 'quarter_held', detail: 'It is held.' };
    const jobs = [quarterJob({ verb: 'drop', state: 'failed', error })];
    expect(listed([outline()], { jobs })).toContain('! 2024q1: the drop by a worker failed: It is held.');
    expect(listed([outline()], { jobs: [quarterJob({ state: 'done' }), ...jobs] })).toContain('✓ Nothing');
  });

  it.each([40, 60, 80, 100, 140])('fits %i columns', (width) => {
    const next = { verb: 'archive', at: new Date('2026-01-01'), withheld: 'earlier_open' };
    const quarter = outline({ awaiting: ['archive'], holdReason: 'x', transactions: 123_456_789_012n, next });
    for (const line of listed([quarter], { width }).split('\n'))
      expect(displayWidth(line), line).toBeLessThanOrEqual(width);
  });
});

describe('the jobs of a quarter', () => {
  it('are shown while they are news', () => {
    const linesOf = (parts: Parameters<typeof quarterJob>[0]) =>
      shown(quarterDetail(), { ...setting, jobs: [quarterJob(parts)] })
        .split('\n')
        .filter((line) => line.includes('by a worker'));
    expect(linesOf({})).toEqual(['  close for ada by a worker: running: trial balance, 1']);
    const progress = { what: 'copy', done: 5, total: 20 };
    expect(linesOf({ progress })).toEqual(['  close for ada by a worker: running: copy, 5 of 20 (25%)']);
    const error = { kind: 'refused', code: 'quarter_held', detail: 'It is held.' };
    const failed = { verb: 'drop', state: 'failed', progress: null, error } as const;
    expect(linesOf(failed)).toEqual(['  drop for ada by a worker: failed: It is held. [quarter_held]']);
    expect(linesOf({ state: 'done' })).toEqual([]);
    // It was closed after this failure.
    expect(linesOf({ ...failed, verb: 'close', updatedAt: new Date(0) })).toEqual([]);
  });
});

describe('a verb', () => {
  it('tells of its report in a few lines, with its checks below each other', () => {
    const report = {
      quarter: '2024q1',
      closed: true,
      transactions: 1234n,
      archivedBytes: 1536n,
      created: ['2023q1', '2023q2', '2023q3', '2023q4'],
      none: [],
      nothing: undefined,
      checks: [
        { name: 'sums', ok: true, detail: 'all 0' },
        { name: 'versions', ok: false, detail: 'a gap' },
      ],
    };
    expect(unpainted(renderReport('close', '2024q1', report)).split('\n')).toEqual([
      '✓ close 2024q1 is done.',
      '  transactions: 1,234',
      '  archived bytes: 1.5 KiB',
      '  created: 2023q1 to 2023q4',
      '  checks:',
      '    ok      sums: all 0',
      '    FAILED  versions: a gap',
    ]);
    expect(unpainted(renderReport('hold', '2024q1', { quarter: '2024q1', changed: false }))).toBe(
      '✓ hold 2024q1 is done, as it was before.',
    );
    expect(renderFacts({ horizon: 'x', drift: [{ code: 'a', detail: 'b' }], failed: [] })).toBe(
      'horizon: x\ndrift:\n    code a, detail b\nfailed: none',
    );
  });

  it('tells what it would do, what is in the way, and that it is done', () => {
    const outlook = { done: false, obstacles: [], steps: ['look', 'act'] };
    expect(unpainted(renderOutlook('drop', '2024q1', outlook))).toBe(
      '✓ drop 2024q1 would go on now:\n  1. look\n  2. act',
    );
    const obstacles = [{ code: 'quarter_held', detail: 'It is held.' }];
    expect(unpainted(renderOutlook('drop', '2024q1', { ...outlook, obstacles }))).toBe(
      '! drop 2024q1 would be refused now:\n  - It is held. [quarter_held]',
    );
    expect(unpainted(renderOutlook('drop', '2024q1', { ...outlook, done: true }))).toBe(
      '✓ drop 2024q1: it is done already, and nothing would change.',
    );
  });
});
