import { describe, expect, it } from 'vitest';
import { awaitDatabase } from '../../src/main/opening.ts';
import { createLogger } from '../../src/platform/logger.ts';

const house = {
  url: 'postgres://app:open-sesame@db.example:6432/ledger',
  startWait: 30,
  logger: createLogger('silent'),
  signal: new AbortController().signal,
};

const system = (code: string) => Object.assign(new Error(code), { code });
const server = (code: string) => Object.assign(new Error('so it is'), { code, severity: 'FATAL' });

/** Fails with each of these, and then succeeds. */
function failing(errors: Error[]) {
  const left = [...errors];
  return async () => {
    const error = left.shift();
    if (error !== undefined) throw error;
    return 'there';
  };
}

describe('a start', () => {
  it('waits for what passes: no server, no name, a server that starts or stops, no connection to spare', async () => {
    const errors = [
      ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT'].map(system),
      ...['57P03', '57P01', '53300', '08006'].map(server),
    ];
    for (const error of errors) expect(await awaitDatabase(failing([error]), house)).toBe('there');
  });

  it.each(['28P01', '3D000', '42P01', '42501'])(
    'does not wait for what somebody has to mend (%s)',
    async (code) => {
      const error = server(code);
      await expect(awaitDatabase(failing([error]), house)).rejects.toBe(error);
    },
  );

  it('tells where it looked for what did not come, and keeps the password to itself', async () => {
    const never = () => Promise.reject(system('ECONNREFUSED'));
    const waiting = awaitDatabase(never, { ...house, startWait: 0 });
    await expect(waiting).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'database_unavailable',
      detail: expect.stringMatching(/^The database ledger on db\.example, port 6432, .*ECONNREFUSED/),
    });
    await expect(waiting).rejects.not.toThrow(/open-sesame/);
  });

  it('ends as soon as it is asked to, though nobody answers', async () => {
    const stop = new AbortController();
    const waiting = awaitDatabase(() => new Promise(() => {}), { ...house, signal: stop.signal });
    // As the process does it, with the name of the signal.
    stop.abort('SIGTERM');
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  });
});
