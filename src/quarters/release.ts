import { AppError } from '../core/errors.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { nothingToDo, type Outlook } from './outlook.ts';

export async function releaseQuarter(
  _house: QuarterHouse,
  _run: QuarterRun,
  quarter: string,
): Promise<object> {
  throw new AppError('internal', 'assertion_failed', `release of ${quarter} is not there yet.`);
}

export async function previewRelease(
  _house: QuarterHouse,
  _run: QuarterRun,
  _quarter: string,
): Promise<Outlook> {
  return nothingToDo;
}
