import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { createLogger } from '../../src/platform/logger.ts';
import type { Job, JobRun } from '../../src/queue/job.ts';
import { runJob } from '../../src/queue/run-job.ts';
import { testJob } from './harness.ts';

/** The lines of a real log. */
async function run(handle: Job['handle']) {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('debug', { write: (line) => lines.push(JSON.parse(line)) });
  const signal = new AbortController().signal;
  const jobRun: JobRun = { id: 'id-1', signal, logger, onProgress: () => {} };
  const outcome = await runJob(testJob('count', handle), { quarter: '2024q1' }, jobRun);
  logger.info('afterwards');
  return { lines, outcome };
}

const named = { job: 'count', job_id: 'id-1' };
const data = { quarter: '2024q1' };
const seconds = expect.any(Number);

describe('the log of a run', () => {
  it('says how it began, what the handler said, and what came of it', async () => {
    const { lines, outcome } = await run(async (_data, { logger }) => {
      logger.info({}, 'in between');
      return { rows: 5n, at: new Date('2026-01-01T00:00Z') };
    });
    const report = { rows: '5', at: '2026-01-01T00:00:00.000Z' };
    expect(outcome).toEqual({ done: true, report });
    expect(lines).toMatchObject([
      { level: 'debug', msg: 'job started', ...named, data },
      { level: 'info', msg: 'in between', ...named },
      { level: 'info', msg: 'job done', ...named, data, seconds, report },
      { level: 'info', msg: 'afterwards' },
    ]);
    expect(lines[3]).not.toHaveProperty('job_id');
  });

  it('warns of what may pass, and calls an error what will not', async () => {
    const busy = await run(async () => {
      throw new AppError('busy', 'lock_timeout', 'It is locked.');
    });
    expect(busy.lines[1]).toMatchObject({
      level: 'warn',
      msg: 'job failed for now',
      ...named,
      ...{ data, seconds, kind: 'busy', code: 'lock_timeout', detail: 'It is locked.' },
    });
    const broken = await run(async () => {
      throw new TypeError('x is undefined');
    });
    expect(broken.lines[1]).toMatchObject({
      level: 'error',
      ...named,
      ...{ kind: 'internal', detail: 'Unexpected failure: x is undefined' },
    });
    expect(broken.outcome).toMatchObject({ done: false, error: { kind: 'internal' } });
  });
});
