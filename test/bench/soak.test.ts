import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../bench/distributions.ts';
import { createFaultyStore } from '../../bench/soak/faulty-store.ts';
import { openJournal, readJournals } from '../../bench/soak/journal.ts';
import { planMishaps } from '../../bench/soak/plan.ts';
import { openDiskStore } from '../../src/archive/disk-store.ts';
import type { Store } from '../../src/archive/store.ts';
import { isAppError } from '../../src/core/errors.ts';

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'test-soak-'));
});

afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

describe('the mishaps of a soak', () => {
  it('are the same for the same seed, and others for another', () => {
    const plan = planMishaps(createRandom(7), 600_000);
    expect(planMishaps(createRandom(7), 600_000)).toEqual(plan);
    expect(planMishaps(createRandom(8), 600_000)).not.toEqual(plan);
  });

  it('come in the order of time, and let a server live for a while', () => {
    const plan = planMishaps(createRandom(1), 3_600_000);
    const times = plan.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThan(3_600_000);
    const deaths = plan.filter(({ what }) => what === 'kill postgres').map(({ atMs }) => atMs);
    expect(deaths.length).toBeGreaterThan(20);
    for (const [i, at] of deaths.entries()) expect(at - (deaths[i - 1] ?? 0)).toBeGreaterThanOrEqual(15_000);
  });
});

describe('a store that lies', () => {
  it('does as it should while nothing is to go wrong', async () => {
    const store = createFaultyStore(openDiskStore(join(home, 'good')), createRandom(1), () => 0);
    await writeFile(join(home, 'file'), 'content');
    await store.put('a/b', join(home, 'file'));
    expect(await read(store)).toBe('content');
  });

  it('refuses, loses and changes when it does wrong, and says nothing of the latter', async () => {
    const store = createFaultyStore(openDiskStore(join(home, 'bad')), createRandom(1), () => 0.6);
    await writeFile(join(home, 'file'), 'content');
    const seen = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const put = await store.put('a/b', join(home, 'file')).then(
        () => 'put',
        () => 'refused',
      );
      seen.add(`${put} ${await read(store)}`);
    }
    expect([...seen]).toEqual(
      expect.arrayContaining(['put content', 'put con', 'refused content', 'put refused', 'put broken']),
    );
  });
});

describe('the journal of a writer', () => {
  it('tells a successor what has no answer, and the judge what was acknowledged', () => {
    const request = { from: 'a:W', to: 'b:W', amount: 1, at: '2003-01-01T00:00:00Z' };
    const journal = openJournal(home, 'writer-9');
    for (const key of ['k1', 'k2', 'k3']) journal.sent({ key, ...request });
    journal.booked('k1', 'id-1');
    journal.refused('k2', 'refused/out_of_order');
    expect(openJournal(home, 'writer-9').unanswered()).toEqual([{ key: 'k3', ...request }]);
    expect(readJournals(home)).toMatchObject({
      sent: new Set(['k1', 'k2', 'k3']),
      booked: new Map([['k1', 'id-1']]),
      refused: new Map([['k2', 'refused/out_of_order']]),
    });
  });

  it('is not believed when it has two ids for one key', () => {
    openJournal(home, 'writer-9').booked('k1', 'id-2');
    expect(() => readJournals(home)).toThrow('k1 was booked as id-1 and as id-2');
  });
});

async function read(store: Store): Promise<string> {
  try {
    return Buffer.concat(await (await store.open('a/b')).toArray()).toString();
  } catch (error) {
    return isAppError(error) ? 'refused' : 'broken';
  }
}
