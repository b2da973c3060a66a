import { expect, it } from 'vitest';
import { meetsTick, minutesFor } from '../../bench/outcome/tick.ts';

it('the outcome bench does not begin where two in the morning would come in between', () => {
  const at = (time: string) => meetsTick(new Date(`2026-11-26T${time}Z`), 50);
  expect(['01:09:59', '01:10:01', '01:59:59', '02:00:00'].map(at)).toEqual([false, true, true, true]);
  expect(['02:00:01', '12:00:00', '23:59:00', '00:00:00'].map(at)).toEqual([false, false, false, false]);
  expect([minutesFor(20_000), minutesFor(10_000_000)]).toEqual([11, 50]);
});
