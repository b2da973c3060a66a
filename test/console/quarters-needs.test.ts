import { describe, expect, it } from 'vitest';
import { type AttentionOptions, mattersOf } from '../../src/console/page/quarters/attention.ts';
import { possibilities } from '../../src/console/page/quarters/possibilities.ts';
import type { QuarterDetail } from '../../src/console/page/quarters/types.ts';
import { type Verb, verbs, verbWords } from '../../src/console/page/quarters/verbs.ts';
import { lifeStates } from '../../src/console/page/quarters/words.ts';
import { type QuarterVerb, quarterStates, transitionOf } from '../../src/core/lifecycle.ts';
import { quarterActions } from '../../src/quarters/verbs.ts';
import { aJob, aQuarter, aQuarterDetail } from './quarter-facts.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');

function matters(options: Partial<AttentionOptions>) {
  return mattersOf({
    quarters: [],
    jobs: [],
    approvals: new Map(),
    person: 'finn',
    zone: 'UTC',
    now: NOW,
    ...options,
  });
}

describe('what needs somebody', () => {
  it('is nothing of a ledger where all is well', () => {
    const quarters = [
      aQuarter({
        quarter: '2025q4',
        state: 'archived',
        archived_bytes: 1,
        verified_at: '2026-11-01T00:00:00Z',
      }),
      aQuarter({ quarter: '2026q1' }),
      aQuarter({
        quarter: '2026q4',
        state: 'open',
        starts_at: '2026-10-01T00:00:00Z',
        ends_at: '2027-01-01T00:00:00Z',
      }),
    ];
    expect(matters({ quarters, jobs: [aJob({ state: 'done' })] })).toEqual([]);
  });

  it('is damage and failure before what waits', () => {
    const quarters = [
      aQuarter({
        quarter: '2024q1',
        awaiting_approval: ['archive'],
      }),
      aQuarter({ quarter: '2024q2', stale_reason: '2024q1 was reopened' }),
      aQuarter({
        quarter: '2026q3',
        state: 'open',
        starts_at: '2026-07-01T00:00:00Z',
        ends_at: '2026-10-01T00:00:00Z',
        next: { verb: 'close', at: '2027-01-09T00:00:00Z', withheld: null },
      }),
      aQuarter({ quarter: '2023q1', state: 'dropped', archived_bytes: 5 }),
    ];
    const found = matters({ quarters, jobs: [aJob({ quarter: '2024q1' })] });
    expect(found.map(({ quarter, kind }) => `${quarter} ${kind}`)).toEqual([
      '2023q1 damaged',
      '2024q1 failed',
      '2024q1 approval',
      '2024q2 stale',
      '2026q3 unclosed',
    ]);
    expect(found[1]?.says).toBe('archive failed: The store is full.');
    expect(found[4]?.says).toBe(
      'It ended 56 days ago, at the end of 30 Sept 2026, and is not closed. It closes by itself from 9 Jan 2027 on.',
    );
  });

  it('does not count a failure that somebody has made good', () => {
    const job = aJob({ verb: 'archive' });
    const at = (state: 'closed' | 'archived') =>
      matters({ quarters: [aQuarter({ state, verified_at: '2026-11-26T09:00:00Z' })], jobs: [job] });
    expect(at('closed')).toHaveLength(1);
    expect(at('archived')).toEqual([]);
    const verify = aJob({ verb: 'verify', finished_at: '2026-11-26T10:00:00Z' });
    const verified = (verified_at: string) =>
      matters({
        quarters: [aQuarter({ state: 'archived', archived_bytes: 1, verified_at })],
        jobs: [verify],
      });
    expect(verified('2026-11-26T09:00:00Z')).toHaveLength(1);
    expect(verified('2026-11-26T11:00:00Z')).toEqual([]);
    expect(
      matters({
        quarters: [aQuarter()],
        jobs: [aJob({ error: { kind: 'aborted', code: 'superseded', detail: '' } })],
      }),
    ).toEqual([]);
  });

  it('says who asked and why, and to who asked that it is somebody else’s turn', () => {
    const quarters = [aQuarter({ quarter: '2024q1', awaiting_approval: ['archive'] })];
    const asked = (requested_by: string) =>
      matters({
        quarters,
        approvals: new Map([
          [
            '2024q1',
            [
              {
                verb: 'archive' as const,
                requested_by,
                requested_at: '2026-11-25T00:00:00Z',
                reason: 'year end',
                approved_by: null,
                approved_at: null,
              },
            ],
          ],
        ]),
      })[0]?.says;
    expect(asked('gwen')).toBe('gwen asked for its archive: “year end”. Approve it, or leave it.');
    expect(asked(' Finn')).toBe('You asked for its archive: “year end”. Somebody else has to approve it.');
  });
});

describe('what can be done to a quarter', () => {
  it('is what the ledger knows: the same verbs, from the same states, with a reason where one is due', () => {
    expect([...verbs].sort()).toEqual(Object.keys(quarterActions).sort());
    expect([...lifeStates].sort()).toEqual([...quarterStates].sort());
    for (const verb of verbs) {
      expect(`${verb} ${verbWords[verb].reason === 'needed'}`).toBe(
        `${verb} ${quarterActions[verb].needsReason}`,
      );
      if (verb === 'hold' || verb === 'unhold' || verb === 'approve') continue;
      expect([...verbWords[verb].from]).toEqual([...transitionOf(verb satisfies QuarterVerb).from]);
      // A close that does not count is asked for again, so the page looks at more than the state there.
      expect([...verbWords[verb].done]).toEqual([...transitionOf(verb).done]);
    }
  });

  const asked = (different: Partial<QuarterDetail>, person = 'finn') =>
    possibilities(aQuarterDetail(different), person, 'UTC', NOW);
  const can = (different: Partial<QuarterDetail>, person?: string) =>
    asked(different, person)
      .filter(({ whyNot }) => whyNot === undefined)
      .map(({ verb }) => verb);
  const why = (different: Partial<QuarterDetail>, verb: Verb) =>
    asked(different).find((one) => one.verb === verb)?.whyNot;

  it('follows its life', () => {
    expect(can({ state: 'planned' })).toEqual(['create', 'hold']);
    expect(can({ state: 'open' })).toEqual(['close', 'hold']);
    expect(can({ state: 'closed' })).toEqual(['reopen', 'archive', 'hold']);
    expect(can({ state: 'closed', stale_reason: 'x' })).toEqual(['close', 'reopen', 'hold']);
    expect(can({ state: 'archived' })).toEqual(['verify', 'detach', 'restore', 'hold']);
    expect(can({ state: 'detached' })).toEqual(['verify', 'drop', 'restore', 'hold']);
    expect(can({ state: 'dropped' })).toEqual(['verify', 'restore']);
    expect(can({ state: 'restored' })).toEqual(['verify', 'restore', 'release', 'hold']);
  });

  it('is less while it is held, and says what for', () => {
    expect(can({ state: 'detached', hold_reason: 'audit' })).toEqual(['verify', 'restore', 'hold', 'unhold']);
    expect(why({ state: 'detached', hold_reason: 'audit' }, 'drop')).toBe(
      'It is held: audit. End the hold first.',
    );
  });

  it('says why not in words that tell what to do', () => {
    const ahead = { state: 'open', ends_at: '2027-01-01T00:00:00Z' } as const;
    expect(why(ahead, 'close')).toBe('It has not ended: it can be closed after the end of 31 Dec 2026.');
    expect(why({ state: 'open' }, 'archive')).toBe('It is open: it has to be closed first.');
    expect(why({ state: 'archived' }, 'reopen')).toMatch(/Book a correction today instead/);
    expect(why({ state: 'dropped' }, 'detach')).toBe('That is done: it is dropped.');
    for (const state of quarterStates)
      for (const { whyNot, verb } of asked({ state }))
        expect(`${verb}: ${whyNot ?? 'It can.'}`).toMatch(/: [A-Z].*\.$/);
  });

  it('leaves the approval to somebody else than who asked', () => {
    const request = (requested_by: string): Partial<QuarterDetail> => ({
      awaiting_approval: ['archive'],
      approvals: [
        {
          verb: 'archive',
          requested_by,
          requested_at: '2026-11-25T00:00:00Z',
          reason: null,
          approved_by: null,
          approved_at: null,
        },
      ],
    });
    expect(can(request('gwen'))).toEqual(['reopen', 'approve', 'hold']);
    expect(can(request('finn'))).toEqual(['reopen', 'hold']);
    expect(why(request('Finn'), 'approve')).toMatch(
      /^You asked for the archive, and nobody approves their own/,
    );
    expect(why(request('gwen'), 'archive')).toBe('gwen asked for it: approve it instead.');
  });
});
