import { describe, expect, it } from 'vitest';
import {
  nextStep,
  type PlannedQuarter,
  planSteps,
  type QuarterPolicy,
  startable,
} from '../../jobs/quarter-plan.ts';
import { nextName } from '../../src/core/quarter.ts';
import { auto, paris, row } from './planned.ts';

function plan(quarters: readonly PlannedQuarter[], now: string, policy: Partial<QuarterPolicy> = {}) {
  const { steps, withheld } = planSteps(quarters, new Date(now), paris, { ...auto, ...policy });
  return {
    steps: steps.map(({ quarter, verb }) => `${quarter} ${verb}`),
    withheld: withheld.map(({ quarter, verb, why }) => `${quarter} ${verb} ${why}`),
  };
}

describe('what policy allows', () => {
  it('is to close a quarter when the days of grace are over, counted from its end in the zone', () => {
    // 2026q2 ends at midnight in Paris, which is 22:00 in UTC.
    expect(plan([row('2026q2', 'open')], '2026-07-10T21:59:59Z').steps).toEqual([]);
    expect(plan([row('2026q2', 'open')], '2026-07-10T22:00:00Z').steps).toEqual(['2026q2 close']);
    expect(plan([row('2026q3', 'open')], '2026-07-10T22:00:00Z').steps).toEqual([]);
  });

  it('is to archive, verify and detach what is older than the newest quarters, the current one being the first', () => {
    const quarters = [row('2024q4', 'closed'), row('2024q3', 'closed'), row('2024q2', 'archived')];
    expect(plan(quarters, '2026-08-01T00:00Z').steps).toEqual([
      '2024q2 verify',
      '2024q2 detach',
      '2024q3 archive',
      '2024q3 verify',
      '2024q3 detach',
    ]);
    expect(plan(quarters, '2026-08-01T00:00Z', { onlineQuarters: 9 }).steps).toEqual([
      '2024q2 verify',
      '2024q2 detach',
    ]);
  });

  it('is to detach from the same time on as it archives: so the page says of an archive when the quarter leaves', () => {
    const at = (state: 'closed' | 'archived') => nextStep(row('2024q3', state), paris, auto);
    expect(at('closed')).toMatchObject({ verb: 'archive' });
    expect(at('archived')).toEqual({ ...at('closed'), verb: 'detach' });
  });

  it('is to take a quarter all the way at once, and on from where it stands', () => {
    const archived = row('2020q2', 'archived');
    expect(plan([row('2020q1', 'open'), archived], '2026-08-01T00:00Z').steps).toEqual([
      '2020q1 close',
      '2020q1 archive',
      '2020q1 verify',
      '2020q1 detach',
      '2020q2 verify',
      '2020q2 detach',
    ]);
  });

  it('is to close a held quarter and nothing more, which is said', () => {
    const held = { hold_reason: 'litigation' };
    expect(plan([row('2020q1', 'open', held), row('2020q2', 'archived', held)], '2026-08-01T00:00Z')).toEqual(
      { steps: ['2020q1 close'], withheld: ['2020q1 archive held', '2020q2 detach held'] },
    );
  });

  it('is to close only, which is said, where archiving is switched off or a person must approve', () => {
    const quarters = [row('2020q1', 'closed'), row('2026q1', 'closed')];
    expect(plan(quarters, '2026-08-01T00:00Z', { archiveQuarters: false })).toEqual({
      steps: [],
      withheld: ['2020q1 archive switched_off'],
    });
    expect(plan(quarters, '2026-08-01T00:00Z', { archiveApproval: 'required' })).toEqual({
      steps: [],
      withheld: ['2020q1 archive approval_required'],
    });
  });

  it('is nothing for quarters that are planned, gone or restored', () => {
    const states = ['planned', 'detached', 'dropped', 'restored'] as const;
    const quarters = states.map((state, i) => row(nextName('2020q1', i), state));
    expect(plan(quarters, '2026-08-01T00:00Z')).toEqual({ steps: [], withheld: [] });
  });
});

describe('what policy allows of a quarter that was reopened', () => {
  const reopened_at = new Date('2026-07-20T00:00Z');
  const stale = { stale_reason: '2020q1 was reopened' };

  it('is its close when the days of grace are over, counted from then', () => {
    const quarters = [row('2020q1', 'open', { reopened_at })];
    expect(plan(quarters, '2026-07-29T23:59:59Z').steps).toEqual([]);
    expect(plan(quarters, '2026-07-30T00:00Z', { onlineQuarters: 40 }).steps).toEqual(['2020q1 close']);
  });

  it('is no later close while it is open, which is said, and no archive of what is stale', () => {
    const quarters = [
      row('2020q1', 'open', { reopened_at }),
      row('2020q2', 'closed', stale),
      row('2020q3', 'closed'),
      row('2026q2', 'open'),
    ];
    expect(plan(quarters, '2026-07-25T00:00Z')).toEqual({
      steps: ['2020q3 archive', '2020q3 verify', '2020q3 detach'],
      withheld: ['2020q2 close earlier_open', '2026q2 close earlier_open'],
    });
  });

  it('is to close it and the stale ones after it, in order', () => {
    const quarters = [row('2020q2', 'closed', stale), row('2020q1', 'open', { reopened_at })];
    const online = { onlineQuarters: 40 };
    expect(plan(quarters, '2026-07-30T00:00Z', online).steps).toEqual(['2020q1 close', '2020q2 close']);
    const closed = [row('2020q1', 'closed'), row('2020q2', 'closed', stale)];
    expect(plan(closed, '2026-07-30T00:00Z', online).steps).toEqual(['2020q2 close']);
  });
});

describe('what policy allows of a detached quarter', () => {
  const now = '2026-08-01T00:00Z';
  const detached = (more: Partial<PlannedQuarter> = {}, days = 30) =>
    row('2020q1', 'detached', { detached_at: new Date(Date.parse(now) - days * 86_400_000), ...more });

  it('is the drop when its days are over, with a reason', () => {
    expect(plan([detached({}, 29.99)], now)).toEqual({ steps: [], withheld: [] });
    expect(plan([detached()], now).steps).toEqual(['2020q1 drop']);
    const { steps } = planSteps([detached()], new Date(now), paris, auto);
    expect(steps).toEqual([
      { quarter: '2020q1', verb: 'drop', reason: 'detached for 30 days (QM_DROP_AFTER_DAYS)' },
    ]);
  });

  it.each([
    ['held', { hold_reason: 'litigation' }, {}],
    ['was_restored', { restored_at: new Date('2021-01-01T00:00Z') }, {}],
    ['switched_off', {}, { dropQuarters: false }],
    ['approval_required', {}, { archiveApproval: 'required' as const }],
    ['approval_required', { approved: ['archive' as const] }, { archiveApproval: 'required' as const }],
  ])('is nothing where it is %s, which is said', (why, more, policy) => {
    expect(plan([detached(more)], now, policy)).toEqual({ steps: [], withheld: [`2020q1 drop ${why}`] });
  });

  it('is the drop where two people want it, or where only archiving is switched off', () => {
    const approved = { approved: ['drop' as const] };
    expect(plan([detached(approved)], now, { archiveApproval: 'required' }).steps).toEqual(['2020q1 drop']);
    expect(plan([detached()], now, { archiveQuarters: false }).steps).toEqual(['2020q1 drop']);
  });

  it('is nothing once it is back in a window that was made larger', () => {
    expect(plan([detached()], now, { onlineQuarters: 26 }).steps).toEqual(['2020q1 drop']);
    expect(plan([detached()], now, { onlineQuarters: 27 })).toEqual({ steps: [], withheld: [] });
  });
});

describe('what two people agreed on', () => {
  it('is archived, and needs nobody more to leave', () => {
    const required = { archiveApproval: 'required' as const };
    const approved = { approved: ['archive' as const] };
    const expected = ['2020q1 archive', '2020q1 verify', '2020q1 detach'];
    expect(plan([row('2020q1', 'closed', approved)], '2026-08-01T00:00Z', required).steps).toEqual(expected);
    const archived = [row('2020q1', 'archived')];
    expect(plan(archived, '2026-08-01T00:00Z', required).steps).toEqual(expected.slice(1));
  });
});

describe('what can begin', () => {
  it('is the close of the oldest open quarter alone, and whatever waits for no close', () => {
    const quarters = [row('2020q1', 'closed'), row('2020q2', 'open'), row('2020q3', 'open')];
    const { steps } = planSteps(quarters, new Date('2026-08-01T00:00Z'), paris, auto);
    expect(startable(steps).map(({ quarter, verb }) => `${quarter} ${verb}`)).toEqual([
      '2020q1 archive',
      '2020q1 verify',
      '2020q1 detach',
      '2020q2 close',
      '2020q2 archive',
      '2020q2 verify',
      '2020q2 detach',
    ]);
  });
});
