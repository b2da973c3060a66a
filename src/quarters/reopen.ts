import { AppError } from '../core/errors.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Outlook } from './outlook.ts';

export async function reopenQuarter(
  _house: QuarterHouse,
  _run: QuarterRun,
  quarter: string,
): Promise<object> {
  throw new AppError('internal', 'assertion_failed', `reopen of ${quarter} is not there yet.`);
}

export async function previewReopen(
  _house: QuarterHouse,
  _run: QuarterRun,
  _quarter: string,
): Promise<Outlook> {
  return nothingToDo;
}
