import { describe, expect, it } from 'vitest';
import { judgeInstant, refusalError } from '../../src/core/refusal.ts';

const at = (time: string) => new Date(`2026-05-01T${time}Z`);

describe('an instant that a request brings', () => {
  it('lies between the oldest and now, both included', () => {
    const bounds = { oldest: at('01:00:00'), latest: at('02:00:00') };
    expect(judgeInstant(at('00:59:59.999'), bounds)?.code).toBe('before_oldest');
    expect(judgeInstant(at('01:00:00'), bounds)).toBeUndefined();
    expect(judgeInstant(at('02:00:00'), bounds)).toBeUndefined();
    expect(judgeInstant(at('02:00:00.001'), bounds)?.code).toBe('in_the_future');
  });
});

describe('a refusal as an error', () => {
  it('is refused by a rule of the ledger, or invalid where no ledger would take it', () => {
    const error = (code: Parameters<typeof refusalError>[0]['code']) =>
      refusalError({ kind: 'refused', code, detail: 'why', field: 'amount' });
    expect(error('insufficient_funds')).toMatchObject({
      kind: 'refused',
      code: 'insufficient_funds',
      detail: 'why',
    });
    expect(error('same_account').kind).toBe('invalid');
  });
});
