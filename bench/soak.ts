/**
 * Lets a ledger live through years in minutes, kills what can be killed, and looks all along whether anything is lost:
 *
 *   npm run soak -- --minutes 10 --seed 7
 *
 * The seed decides everything that is decided here: what happens when and to whom, what the writers post, and when a
 * store lies. It cannot decide how fast the machine is, nor which of two processes is first; so a seed that failed
 * brings back the same kills at the same moments, and most of its failures, but not each of them every time.
 */
import { parseArgs } from 'node:util';
import { createRandom } from './distributions.ts';
import { runSoak } from './soak/run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string' },
    /** How many transactions each writer may post in all. */
    rows: { type: 'string', default: '200000' },
    keep: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const minutes = Number(values.minutes);
if (!Number.isSafeInteger(seed) || !(minutes > 0))
  throw new Error('Usage: --minutes N --seed S [--rows N] [--keep]');
const faults = await runSoak({
  seed,
  forMs: minutes * 60_000,
  rows: Number(values.rows),
  keep: values.keep,
  random: createRandom(seed),
});
if (faults.length > 0) {
  process.stderr.write(
    `\nThe soak failed with --seed ${seed} --minutes ${minutes}:\n- ${faults.join('\n- ')}\n`,
  );
  process.exit(1);
}
process.exit(0);
