import type { QuarterState } from '../core/lifecycle.ts';
import { paint, type Style } from './paint.ts';

/** Each state has a sign of its own, so that it is told without colour too. */
const signs: Readonly<Record<QuarterState, { readonly sign: string; readonly style: Style }>> = {
  planned: { sign: '·', style: 'faint' },
  open: { sign: '○', style: 'good' },
  closed: { sign: '◐', style: 'calm' },
  archived: { sign: '●', style: 'calm' },
  detached: { sign: '◌', style: 'faint' },
  dropped: { sign: '×', style: 'faint' },
  restored: { sign: '↺', style: 'attention' },
};

export function signOf(state: QuarterState): string {
  return signs[state].sign;
}

/** `○ open`, in the colour of the state. */
export function stateText(state: QuarterState): string {
  const { sign, style } = signs[state];
  return paint(style, `${sign} ${state}`);
}
