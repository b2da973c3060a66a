import { join } from 'node:path';
import type { JobHouse } from '../../jobs/house.ts';
import { literals, openDuck } from '../../src/archive/duckdb.ts';
import { reconcile } from '../../src/quarters/reconcile.ts';
import { readQuarters } from '../../src/quarters/registry.ts';
import { requireSound } from '../../test/crash/sound.ts';
import { findAll } from './checks.ts';
import { readJournals } from './journal.ts';

interface End {
  readonly home: string;
  readonly digests: ReadonlyMap<string, string>;
  /** How many rows each load that is done has booked. */
  readonly loads: ReadonlyMap<string, number>;
  readonly say: (line: string) => void;
}

/**
 * When all is at rest: every quarter is sound, and every transaction is there that was acknowledged, none that was not sent,
 * and none twice.
 */
export async function judgeEnd(house: JobHouse, { home, digests, loads, say }: End): Promise<string[]> {
  const faults: string[] = [];
  const { drift, failed } = await reconcile(house.quarters, { actor: 'schedule' });
  for (const { detail } of [...drift, ...failed]) faults.push(detail);
  faults.push(...(await requireSound(house.quarters, { digests, archives: new Map() })));

  const states = Map.groupBy(await readQuarters(house.database.direct), ({ state }) => state);
  const told = [...states].map(([state, rows]) => `${rows.length} ${state}`).join(', ');
  say(`Quarters: ${told}.`);

  const duck = await openDuck({ directories: [join(home, 'tmp'), join(home, 'archive')] });
  const { found, faults: doubled } = await findAll(house, (files) =>
    duck.rows(`SELECT coalesce(reference_code, '') AS key, id FROM read_parquet(${literals(files)})`),
  ).finally(() => duck.close());
  faults.push(...doubled);

  const { sent, booked, refused, notes } = readJournals(home);
  for (const [key, id] of booked)
    if (found.get(key) !== id)
      faults.push(`${key} was acknowledged as ${id} and is ${found.get(key) ?? 'gone'}`);
  for (const [key, code] of refused)
    if (found.has(key)) faults.push(`${key} was refused with ${code} and is there`);
  const loaded = new Map<string, number>();
  for (const key of found.keys()) {
    if (key.startsWith('writer-')) {
      if (!sent.has(key)) faults.push(`${key} is there and was never sent`);
      continue;
    }
    const name = key.slice(0, key.lastIndexOf('-'));
    loaded.set(name, (loaded.get(name) ?? 0) + 1);
  }
  for (const [name, rows] of loads)
    if (loaded.get(name) !== rows)
      faults.push(`${name} has booked ${rows} rows, and ${loaded.get(name) ?? 0} are there`);
  const codes = Map.groupBy(refused.values(), (code) => code);
  say(
    `${found.size} transactions: ${booked.size} acknowledged to writers, ${[...loads.values()].reduce((a, b) => a + b, 0)} by ${loads.size} loads. ` +
      `Refused: ${[...codes].map(([code, { length }]) => `${code} ${length}`).join(', ') || 'none'}. Waits for a partition: ${notes}.`,
  );
  return faults.slice(0, 40);
}
