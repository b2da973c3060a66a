import { describe, expect, it } from 'vitest';
import { renderQuarter, renderQuarters } from '../../src/cli/render-quarters.ts';
import { renderFacts, renderOutlook, renderReport } from '../../src/cli/render-verbs.ts';
import { quarterDetail, quarterJob } from '../http/quarters.ts';

const zone = 'UTC';

describe('a quarter', () => {
  it('is shown with its second person, its copies, its archive and what comes next', () => {
    const next = { verb: 'drop', at: new Date('2026-02-09T00:00:00Z'), withheld: 'was_restored' };
    const text = renderQuarter(quarterDetail({ restoredAt: new Date(0) }), { next, zone });
    expect(text.split('\n').slice(0, 8)).toEqual([
      '2024q1 is detached, drop waits for approval.',
      'from 2024-01-01T00:00:00.000Z to 2024-04-01T00:00:00.000Z (quarters of UTC)',
      '3 transactions, 6 entries',
      'digest abc',
      'archive file:///archive/ledger/2024q1, read and found right 2026-01-10 00:00 UTC',
      'drop asked for by ada, 2026-01-10 00:00 UTC (retention is over): waits until somebody else approves',
      'copy in schema audit by bob, until 2026-02-01 00:00 UTC: audit',
      'next: drop by itself from 2026-02-09 00:00 UTC on, but it was restored once, so that a person has to want it',
    ]);
  });

  it('is marked in the list with what is to be known besides its state', () => {
    const quarters = [
      quarterDetail({ name: '2024q1', state: 'closed', staleReason: '2023q4 was reopened', awaiting: [] }),
      quarterDetail({
        name: '2024q2',
        state: 'restored',
        restoredUntil: new Date('2027-01-01T00:00:00Z'),
        awaiting: [],
        exact: false,
      }),
      quarterDetail({ name: '2024q3', holdReason: 'audit' }),
    ];
    const lines = renderQuarters(quarters).split('\n');
    expect(lines[1]).toMatch(/^2024q1 +closed, stale +3 +6 /);
    expect(lines[2]).toMatch(/^2024q2 +restored, until 2026-12-31 +~3 +~6 /);
    expect(lines[3]).toMatch(/^2024q3 +detached, held, drop waits for approval /);
  });

  it('says when its archive is damaged, or all there is of it', () => {
    const damaged = renderQuarter(quarterDetail({ verifiedAt: null }), { zone });
    expect(damaged).toContain('2024q1, found damaged when it was last read');
    const at = new Date('2026-03-01T00:00:00Z');
    const dropped = renderQuarter(quarterDetail({ state: 'dropped', droppedAt: at }), { zone });
    expect(dropped).toContain('dropped 2026-03-01 00:00 UTC: its archive is all there is of it');
    const back = renderQuarter(quarterDetail({ state: 'restored', droppedAt: at }), { zone });
    expect(back).not.toContain('dropped 2026');
  });
});

describe('the jobs of a quarter', () => {
  it('are shown while they are news', () => {
    const linesOf = (parts: Parameters<typeof quarterJob>[0]) =>
      renderQuarter(quarterDetail(), { zone, jobs: [quarterJob(parts)] })
        .split('\n')
        .filter((line) => line.includes('by a worker'));
    expect(linesOf({})).toEqual(['close for ada by a worker: running: trial balance, 1']);
    const error = { kind: 'refused', code: 'quarter_held', detail: 'It is held.' };
    const failed = { verb: 'drop', state: 'failed', progress: null, error } as const;
    expect(linesOf(failed)).toEqual(['drop for ada by a worker: failed: It is held. [quarter_held]']);
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
    expect(renderReport('close', '2024q1', report).split('\n')).toEqual([
      'close 2024q1 is done.',
      '  transactions: 1,234',
      '  archived bytes: 1.5 KiB',
      '  created: 2023q1 to 2023q4',
      '  checks:',
      '    ok      sums: all 0',
      '    FAILED  versions: a gap',
    ]);
    expect(renderReport('hold', '2024q1', { quarter: '2024q1', changed: false })).toBe(
      'hold 2024q1 is done, as it was before.',
    );
    expect(renderFacts({ horizon: 'x', drift: [{ code: 'a', detail: 'b' }], failed: [] })).toBe(
      'horizon: x\ndrift:\n    code a, detail b\nfailed: none',
    );
  });

  it('tells what it would do, what is in the way, and that it is done', () => {
    const outlook = { done: false, obstacles: [], steps: ['look', 'act'] };
    expect(renderOutlook('drop', '2024q1', outlook)).toBe(
      'drop 2024q1 would go on now:\n  1. look\n  2. act',
    );
    const obstacles = [{ code: 'quarter_held', detail: 'It is held.' }];
    expect(renderOutlook('drop', '2024q1', { ...outlook, obstacles })).toBe(
      'drop 2024q1 would be refused now:\n  - It is held. [quarter_held]',
    );
    expect(renderOutlook('drop', '2024q1', { ...outlook, done: true })).toBe(
      'drop 2024q1: it is done already, and nothing would change.',
    );
  });
});
