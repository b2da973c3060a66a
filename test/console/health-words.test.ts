import { describe, expect, it } from 'vitest';
import { detailWords } from '../../src/console/page/health/event-detail.ts';
import { whatItDoes } from '../../src/console/page/health/queue-words.ts';
import { nextRun, nextWords, scheduleWords, spanWords } from '../../src/console/page/health/schedule.ts';
import { type Judged, verdictOf } from '../../src/console/page/health/verdict.ts';

type State = Judged['checks'][number]['state'];

function judged(states: Readonly<Record<string, State>>, more: Partial<Judged> = {}): Judged {
  const checks = Object.entries(states).map(([name, state]) => ({
    name,
    state,
    detail: '',
    advice: null,
    runbook: null,
  }));
  return { checks, unknown: [], alerts: null, ...more };
}

const alert = (name: string, severity: string | null, state: 'firing' | 'pending' = 'firing') => ({
  ...{ name, state, severity, since: null, summary: null, runbook: null },
});

describe('the sentence about how the house stands', () => {
  it('says that nobody has to do anything only when all is known to be well', () => {
    expect(verdictOf(judged({ horizon: 'ok', jobs: 'ok' }))).toEqual({
      look: 'good',
      sentence: 'Nobody has to do anything: all 2 checks are well.',
      besides: undefined,
    });
    const partly = verdictOf(
      judged({ horizon: 'ok', jobs: 'unknown' }, { unknown: [{ part: 'queues', reason: 'too slow' }] }),
    );
    expect(partly.look).toBe('mute');
    expect(partly.besides).toBe('Not known now: queues, jobs. They may need somebody too.');
    expect(verdictOf(judged({})).look).toBe('mute');
  });

  it('names what is critical first, and then what can wait', () => {
    expect(verdictOf(judged({ horizon: 'critical', jobs: 'warning', drift: 'ok' }))).toMatchObject({
      look: 'bad',
      sentence: 'Somebody has to act now: horizon. Less urgent: jobs.',
    });
    expect(verdictOf(judged({ jobs: 'warning', drift: 'warning' }))).toMatchObject({
      look: 'warn',
      sentence: 'Somebody should look at this soon: jobs, drift.',
    });
  });

  it('hears the alerts that fire, by their severity', () => {
    const alerts = (...items: ReturnType<typeof alert>[]) => ({
      alerts: { asked_at: '2026-11-26T08:00:00Z', error: null, items },
    });
    expect(verdictOf(judged({ jobs: 'ok' }, alerts(alert('Down', 'critical')))).look).toBe('bad');
    expect(verdictOf(judged({ jobs: 'ok' }, alerts(alert('Slow', 'warning')))).look).toBe('warn');
    expect(
      verdictOf(judged({ jobs: 'ok' }, alerts(alert('Note', 'info'), alert('Soon', 'critical', 'pending'))))
        .look,
    ).toBe('good');
  });
});

describe('schedules', () => {
  it('are said as people say them', () => {
    expect(scheduleWords('* * * * *')).toBe('every minute');
    expect(scheduleWords('*/15 * * * *')).toBe('every 15 minutes');
    expect(scheduleWords('5 * * * *')).toBe('hourly at :05');
    expect(scheduleWords('15 */6 * * *')).toBe('every 6 hours at :15');
    expect(scheduleWords('10 3 * * 0')).toBe('Sundays at 03:10');
    expect(scheduleWords('0 2 * * *')).toBe('daily at 02:00');
    expect(scheduleWords('0 2 1 1,4 *')).toBe('0 2 1 1,4 *');
  });

  it.each([
    ['* * * * *', '2026-11-26T08:31'],
    ['30 * * * *', '2026-11-26T09:30'],
    ['15 */6 * * *', '2026-11-26T12:15'],
    ['0 2 * * *', '2026-11-27T02:00'],
    ['10 3 * * 0', '2026-11-29T03:10'],
    ['10 3 * * 7', '2026-11-29T03:10'],
    ['0 9-17/4 * * 1-5', '2026-11-26T09:00'],
    ['0 2 1 1,4,7,10 *', '2027-01-01T02:00'],
    ['0 0 31 2 *', undefined],
    ['@daily', undefined],
  ])('%s is due next at %s', (cron, next) => {
    expect(nextRun(cron, new Date('2026-11-26T08:30:20Z'), 'UTC')).toBe(next);
  });

  it('are due by the clock of the zone', () => {
    const now = new Date('2026-11-26T23:30:00Z');
    expect(nextRun('0 2 * * *', now, 'Asia/Tokyo')).toBe('2026-11-28T02:00');
    expect(nextWords('2026-11-28T02:00', now, 'Asia/Tokyo')).toBe('28 Nov, 02:00');
    expect(nextWords('2026-11-27T09:00', now, 'Asia/Tokyo')).toBe('today, 09:00');
  });

  it('say how long something takes in two parts at most', () => {
    expect(spanWords(0)).toBe('0 s');
    expect(spanWords(0.2)).toBe('< 1 s');
    expect(spanWords(59.9)).toBe('59 s');
    expect(spanWords(3700)).toBe('1 h 1 min');
    expect(spanWords(93_784)).toBe('1 day 2 h');
    expect(spanWords(20 * 86_400)).toBe('20 days');
  });
});

describe('what a job does', () => {
  it('is told of every job with a schedule', async () => {
    const { readdirSync, readFileSync } = await import('node:fs');
    const folder = new URL('../../jobs/', import.meta.url);
    const scheduled = readdirSync(folder)
      .filter(
        (file) => file.endsWith('.ts') && /schedule: ['`]/.test(readFileSync(new URL(file, folder), 'utf8')),
      )
      .map((file) => file.slice(0, -3));
    expect(scheduled.length).toBeGreaterThan(10);
    expect(scheduled.filter((name) => whatItDoes(name) === undefined)).toEqual([]);
  });
});

describe('what an event says', () => {
  it('is its single values; a hash is cut', () => {
    expect(
      detailWords(
        {
          ...{ queue: 'reindex', checks: [{ ok: true }], manifest_sha256: 'a'.repeat(64), again: true },
          ...{ bytes: '2048', expires_at: '2026-06-26T17:12:48.302Z' },
        },
        'Europe/Berlin',
      ),
    ).toBe(
      'queue reindex, manifest sha256 aaaaaaaaaaaa…, again true, bytes 2.0 KiB, expires at 26 Jun 2026, 19:12',
    );
  });
});
