import type { Operation } from './types.ts';

/** The one sentence at the top: whether somebody has to do something. */
export interface Verdict {
  readonly look: 'good' | 'warn' | 'bad' | 'mute';
  readonly sentence: string;
  /** What is less sure about it. */
  readonly besides: string | undefined;
}

export type Judged = Pick<Operation, 'checks' | 'unknown' | 'alerts'>;

/** What is critical comes before what is a warning, and what is not known keeps the whole from being called well. */
export function verdictOf({ checks, unknown, alerts }: Judged): Verdict {
  const named = (state: string) => checks.filter((check) => check.state === state).map(({ name }) => name);
  const firing = (alerts?.items ?? []).filter(({ state }) => state === 'firing');
  const urgent = [
    ...named('critical'),
    ...firing.filter(({ severity }) => severity === 'critical').map(({ name }) => name),
  ];
  const soon = [
    ...named('warning'),
    ...firing
      .filter(({ severity }) => severity !== 'critical' && severity !== 'info')
      .map(({ name }) => name),
  ];
  const missing = [...new Set([...unknown.map(({ part }) => part), ...named('unknown')])];
  const besides =
    missing.length === 0
      ? undefined
      : `Not known now: ${missing.join(', ')}. ${missing.length === 1 ? 'It' : 'They'} may need somebody too.`;
  if (urgent.length > 0) {
    const rest = soon.length === 0 ? '' : ` Less urgent: ${soon.join(', ')}.`;
    return { look: 'bad', sentence: `Somebody has to act now: ${urgent.join(', ')}.${rest}`, besides };
  }
  if (soon.length > 0) {
    return { look: 'warn', sentence: `Somebody should look at this soon: ${soon.join(', ')}.`, besides };
  }
  if (checks.length === 0)
    return { look: 'mute', sentence: 'It is not known how the house stands.', besides };
  return missing.length > 0
    ? { look: 'mute', sentence: 'What is known is well, and it is not all.', besides }
    : { look: 'good', sentence: `Nobody has to do anything: all ${checks.length} checks are well.`, besides };
}
