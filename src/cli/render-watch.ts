import type { QuarterJob } from '../queue/quarter-jobs.ts';
import { paint } from './paint.ts';
import { progressText } from './quarter-facts.ts';
import type { Look } from './quarters-watch.ts';
import { renderQuarters } from './render-list.ts';
import { cut } from './table.ts';
import { printable } from './terminal.ts';
import { leftText, type Pace } from './watch-changes.ts';

const BAR = 20;
/** Jobs that ended are shown for so long. */
const NEWS_MS = 5 * 60 * 1000;

/** A look as lines of the width, and no more than the height: what is in the middle of the list gives way. */
export function renderFrame(
  look: Look,
  paces: ReadonlyMap<string, Pace>,
  { width, height }: { width: number; height: number },
): string[] {
  const { at, time, quarters, jobs } = look;
  const list = renderQuarters(quarters, { now: at, time, jobs, width }).split('\n');
  const shown = jobs.filter(
    ({ state, updatedAt }) => state !== 'done' || at.getTime() - updatedAt.getTime() < NEWS_MS,
  );
  const work = shown.map((job) => jobLine(job, paces.get(job.id)));
  const head = `${paint('heading', `Quarters at ${time.second(at)}`)}  ${paint('faint', 'Ctrl-C ends it')}`;
  const lines = [head, '', ...list, ...(work.length === 0 ? [] : ['', paint('heading', 'Workers'), ...work])];
  return fitted(lines, height).map((line) => cut(line, width));
}

/** The newest quarters are looked at least: there are as many ahead as there are. */
function fitted(lines: readonly string[], height: number): readonly string[] {
  const excess = lines.length - height;
  if (excess <= 0) return lines;
  const kept = 3;
  const top = lines.slice(0, kept);
  const rest = lines.slice(kept + excess + 1);
  return [...top, paint('faint', `… ${excess + 1} more lines; a higher terminal shows them`), ...rest].slice(
    0,
    height,
  );
}

function jobLine(
  { quarter, verb, actor, state, progress, error }: QuarterJob,
  pace: Pace | undefined,
): string {
  const head = `  ${quarter}  ${verb} for ${printable(actor)}: `;
  if (state === 'failed')
    return `${head}${paint('bad', `failed: ${printable(String(error?.detail ?? ''))}`)}`;
  if (state !== 'running' || progress === null) return `${head}${state}`;
  const share = progress.total ? Math.min(1, progress.done / progress.total) : undefined;
  const bar = share === undefined ? '' : `${'█'.repeat(Math.round(share * BAR)).padEnd(BAR, '░')} `;
  return `${head}${bar}${printable(progressText(progress))}${leftText(pace)}`;
}
