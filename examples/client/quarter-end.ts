import { type Client, QuartermasterError, type QuarterVerb } from '../../clients/typescript/src/index.ts';
import { run } from './connect.ts';

/**
 * Closes a quarter, archives it, and reads the archive again: node quarter-end.ts QUARTER
 *
 * What is done already is not done twice, so it may be run as often as it takes; where a second person has to approve, it
 * says so and is run again when they have.
 */
await run(async (api) => {
  const [quarter] = process.argv.slice(2);
  if (!quarter) throw new Error('Usage: node quarter-end.ts QUARTER, as 2026q1');
  for (const verb of ['close', 'archive', 'verify'] as const) await doAndWait(api, quarter, verb);
  const { state, digest, archive } = await api.quarters.get(quarter);
  console.log(`${quarter} is ${state}, digest ${digest}`);
  if (archive !== null) console.log(`its archive is ${archive.location}`);
});

async function doAndWait(api: Client, quarter: string, verb: QuarterVerb): Promise<void> {
  const { done, obstacles } = await api.quarters.preview(quarter, verb);
  if (done) {
    console.log(`${verb}: done before`);
    return;
  }
  for (const { code, detail } of obstacles) console.log(`${verb}: ${code}: ${detail}`);
  try {
    const { job } = await api.quarters.run(quarter, verb, { reason: `the end of ${quarter}` });
    if (job !== undefined) {
      await api.waitForJob(job, {
        onProgress: ({ state, progress }) => {
          const how =
            progress === null
              ? ''
              : `: ${progress.what} ${progress.done}${progress.total === null ? '' : ` of ${progress.total}`}`;
          console.log(`${verb}: ${state}${how}`);
        },
      });
    }
    console.log(`${verb}: done`);
  } catch (error) {
    if (!(error instanceof QuartermasterError) || error.code !== 'approval_required') throw error;
    throw new Error(`${error.message} Run this again when somebody has.`, { cause: error });
  }
}
