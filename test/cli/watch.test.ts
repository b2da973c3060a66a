import { describe, expect, it } from 'vitest';
import { localTime } from '../../src/cli/local-time.ts';
import { unpainted } from '../../src/cli/paint.ts';
import type { QuarterOutline } from '../../src/cli/quarter-facts.ts';
import { keepLooking, type Look } from '../../src/cli/quarters-watch.ts';
import { renderFrame } from '../../src/cli/render-watch.ts';
import { createChanges, renderChange } from '../../src/cli/watch-changes.ts';
import { displayWidth } from '../../src/cli/width.ts';
import { AppError } from '../../src/core/errors.ts';
import { quarterDetail, quarterJob } from '../http/quarters.ts';

const at = new Date('2026-01-20T12:00:00Z');
const time = localTime('Europe/Paris');

function outline(parts: Partial<QuarterOutline> = {}): QuarterOutline {
  return { ...quarterDetail({ awaiting: [] }), next: null, ...parts };
}

function look(parts: Partial<Look> = {}): Look {
  return { at, time, quarters: [outline()], jobs: [], ...parts };
}

const progress = (done: number, what = 'copy') => ({ what, done, total: 100 });

describe('what a watch tells', () => {
  it('is everything at first, then what changes, and nothing twice', () => {
    const changes = createChanges();
    const ended = quarterJob({ id: 'old', state: 'done' });
    const told = (parts: Partial<Look>, seconds: number) => {
      const found = look({ ...parts, jobs: [...(parts.jobs ?? []), ended] });
      const { changed, paces } = changes(found, seconds);
      return changed.map((change) => renderChange(change, paces, found));
    };
    expect(told({}, 0)).toEqual(['2026-01-20 13:00:00  2024q1  ◌ detached']);
    expect(told({}, 2)).toEqual([]);
    const held = [outline({ holdReason: 'a lawsuit' })];
    expect(told({ quarters: held }, 4)).toEqual(['2026-01-20 13:00:00  2024q1  ◌ detached, held']);
    const running = quarterJob({ verb: 'verify', progress: progress(10) });
    expect(told({ quarters: held, jobs: [running] }, 6)).toEqual([
      '2026-01-20 13:00:00  2024q1  verify for ada: running: copy, 10 of 100 (10%)',
    ]);
    const later = quarterJob({ verb: 'verify', progress: progress(40) });
    expect(told({ quarters: held, jobs: [later] }, 12)).toEqual([
      '2026-01-20 13:00:00  2024q1  verify for ada: running: copy, 40 of 100 (40%), 12 s left',
    ]);
    const error = { kind: 'corrupt', code: 'archive_damaged', detail: 'It is damaged.' };
    const failed = quarterJob({ verb: 'verify', state: 'failed', progress: null, error });
    expect(told({ quarters: [outline({ state: 'dropped' })], jobs: [failed] }, 14)).toEqual([
      '2026-01-20 13:00:00  2024q1  detached → × dropped',
      '2026-01-20 13:00:00  2024q1  verify for ada: failed: It is damaged. [archive_damaged]',
    ]);
  });

  it('knows how long a job takes from its own pace, anew with each piece of work', () => {
    const changes = createChanges();
    const left = (job: ReturnType<typeof quarterJob>, seconds: number) =>
      changes(look({ jobs: [job] }), seconds).paces.get(job.id)?.left;
    expect(left(quarterJob({ progress: progress(50) }), 0)).toBeUndefined();
    expect(left(quarterJob({ progress: progress(75) }), 5)).toBe(5);
    expect(left(quarterJob({ progress: progress(1, 'read') }), 6)).toBeUndefined();
    expect(left(quarterJob({ progress: progress(2, 'read') }), 7)).toBe(98);
    expect(left(quarterJob({ state: 'waiting', progress: progress(2, 'read') }), 8)).toBeUndefined();
  });
});

describe('a watch whose database goes away', () => {
  const away = new AppError('unavailable', 'database_unavailable', 'The database cannot be reached.');

  it('says so once, and goes on when it is back', async () => {
    const ending = new AbortController();
    const looks = [look(), away, away, look(), away, look()];
    const told: string[] = [];
    const view = {
      show: () => told.push('look'),
      lost: ({ code }: AppError) => told.push(code),
    };
    const find = async () => {
      const next = looks.shift();
      if (looks.length === 0) ending.abort();
      if (next === undefined || next instanceof AppError) throw next;
      return next;
    };
    const watching = keepLooking(find, view, { everyMs: 1, signal: ending.signal });
    await expect(watching).rejects.toMatchObject({ code: 'aborted' });
    expect(told).toEqual(['look', away.code, 'look', away.code, 'look']);
  });

  it('ends with any other fault', async () => {
    const find = () => Promise.reject(new AppError('config', 'not_migrated', 'It is not.'));
    const view = { show: () => {}, lost: () => {} };
    const signal = new AbortController().signal;
    await expect(keepLooking(find, view, { everyMs: 1, signal })).rejects.toMatchObject({
      code: 'not_migrated',
    });
  });
});

describe('the frame of a watch', () => {
  it.each([
    [80, 24],
    [140, 50],
    [60, 8],
  ])('fits %i columns and %i lines', (width, height) => {
    const quarters = Array.from({ length: 30 }, (_, index) => outline({ name: `20${10 + index}q1` }));
    const jobs = [quarterJob({ quarter: '2039q1', progress: progress(50) })];
    const lines = renderFrame(look({ quarters, jobs }), new Map([[jobs[0]?.id ?? '', { left: 30 }]]), {
      width,
      height,
    });
    expect(lines.length).toBeLessThanOrEqual(height);
    for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
    const text = unpainted(lines.join('\n'));
    expect(text.includes('█')).toBe(width > 60);
    expect(text).toContain('Quarters at 2026-01-20 13:00:00');
    expect(text).toMatch(/2039q1 {2}close for ada: (█{10}░{10} )?copy, 50 of 100 \(50%\), 30 s left/);
  });
});
