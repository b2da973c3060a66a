import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { Logger } from '../../src/platform/logger.ts';
import type { Job, JobRun } from '../../src/queue/job.ts';
import { runJob } from '../../src/queue/run-job.ts';
import { testJob } from './harness.ts';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** A logger that keeps its lines. */
function memoryLogger(lines: Line[], bound: object = {}): Logger {
  const at = (level: string) => (fields: object, message: string) =>
    lines.push({ level, message, fields: { ...bound, ...fields } });
  return {
    child: (more: object) => memoryLogger(lines, { ...bound, ...more }),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  } as unknown as Logger;
}

async function run(handle: Job['handle']) {
  const lines: Line[] = [];
  const jobRun: JobRun = {
    id: 'id-1',
    signal: new AbortController().signal,
    logger: memoryLogger(lines),
    onProgress: () => {},
  };
  const outcome = await runJob(testJob('count', handle), { quarter: '2024q1' }, jobRun);
  return { lines, outcome };
}

const named = { job: 'count', id: 'id-1' };
const seconds = expect.any(Number);

describe('the log of a run', () => {
  it('says how it began, what the handler said, and what came of it', async () => {
    const { lines, outcome } = await run(async (_data, { logger }) => {
      logger.info({}, 'in between');
      return { rows: 5n, at: new Date('2026-01-01T00:00Z') };
    });
    const report = { rows: '5', at: '2026-01-01T00:00:00.000Z' };
    expect(outcome).toEqual({ done: true, report });
    expect(lines).toEqual([
      { level: 'info', message: 'job started', fields: { ...named, data: { quarter: '2024q1' } } },
      { level: 'info', message: 'in between', fields: named },
      { level: 'info', message: 'job done', fields: { ...named, seconds, report } },
    ]);
  });

  it('warns of what may pass, and calls an error what will not', async () => {
    const busy = await run(async () => {
      throw new AppError('busy', 'lock_timeout', 'It is locked.');
    });
    expect(busy.lines[1]).toEqual({
      level: 'warn',
      message: 'job failed for now',
      fields: { ...named, seconds, kind: 'busy', code: 'lock_timeout', detail: 'It is locked.' },
    });
    const broken = await run(async () => {
      throw new TypeError('x is undefined');
    });
    expect(broken.lines[1]).toMatchObject({
      level: 'error',
      fields: { ...named, kind: 'internal', detail: 'Unexpected failure: x is undefined' },
    });
    expect(broken.outcome).toMatchObject({ done: false, error: { kind: 'internal' } });
  });
});
