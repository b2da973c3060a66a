import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { runServices, type Service } from '../../src/platform/service.ts';

const logger = createLogger('silent');

function recorder() {
  const story: string[] = [];
  const service = (name: string, faults: { start?: Error; stop?: Error } = {}): Service => ({
    name,
    start: async () => {
      if (faults.start) throw faults.start;
      story.push(`start ${name}`);
    },
    stop: async () => {
      story.push(`stop ${name}`);
      if (faults.stop) throw faults.stop;
    },
  });
  return { story, service };
}

describe('runServices', () => {
  it('starts in order and stops in the opposite order when it is asked to', async () => {
    const { story, service } = recorder();
    const controller = new AbortController();
    const options = { signal: controller.signal, logger, onReady: () => controller.abort() };
    await runServices([service('a'), service('b')], options);
    expect(story).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  it('stops what was started when a later one cannot start, and says why', async () => {
    const { story, service } = recorder();
    const options = { signal: new AbortController().signal, logger };
    const run = runServices([service('a'), service('b', { start: new Error('port taken') })], options);
    await expect(run).rejects.toThrow('port taken');
    expect(story).toEqual(['start a', 'stop a']);
  });

  it('goes on stopping when one fails to stop', async () => {
    const { story, service } = recorder();
    const controller = new AbortController();
    const options = { signal: controller.signal, logger, onReady: () => controller.abort() };
    const run = runServices([service('a'), service('b', { stop: new Error('stuck') })], options);
    await expect(run).rejects.toThrow('stuck');
    expect(story).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  it('starts nothing when it is asked to stop before it began', async () => {
    const { story, service } = recorder();
    await runServices([service('a')], { signal: AbortSignal.abort(), logger });
    expect(story).toEqual([]);
  });

  it('waits no longer than it may for a stop that does not end, and says so', async () => {
    const controller = new AbortController();
    const stuck: Service = { name: 'stuck', start: async () => {}, stop: () => new Promise(() => {}) };
    const options = {
      signal: controller.signal,
      logger,
      onReady: () => controller.abort(),
      stopWithinMs: 10,
    };
    await expect(runServices([stuck], options)).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'stop_timeout',
    });
  });

  it('waits no longer than it may for a start that does not end, from when it is asked to stop', async () => {
    const { story, service } = recorder();
    const controller = new AbortController();
    const stuck: Service = {
      ...service('stuck'),
      start: () => {
        controller.abort();
        return new Promise(() => {});
      },
    };
    const run = runServices([service('a'), stuck], { signal: controller.signal, logger, stopWithinMs: 10 });
    await expect(run).rejects.toMatchObject({ code: 'stop_timeout' });
    expect(story).toEqual(['start a', 'stop a']);
  });

  it('takes a start that was given up on request for an end like any other', async () => {
    const { story, service } = recorder();
    const controller = new AbortController();
    const aborted = new AppError('aborted', 'aborted', 'Stopped on request.');
    const waiting: Service = {
      ...service('b'),
      start: async () => {
        controller.abort();
        throw aborted;
      },
    };
    await runServices([service('a'), waiting], { signal: controller.signal, logger });
    expect(story).toEqual(['start a', 'stop a']);
    // Where nobody asked it is a failure.
    const failing = service('c', { start: aborted });
    const others = { signal: new AbortController().signal, logger };
    await expect(runServices([failing], others)).rejects.toBe(aborted);
  });
});
