/** A worker of a soak: all jobs, on a store that is not to be trusted. It is killed at any moment. */
import { openDiskStore } from '../../src/archive/disk-store.ts';
import { createRandom } from '../distributions.ts';
import { isAway } from './checks.ts';
import { createFaultyStore } from './faulty-store.ts';
import { soakJobs } from './jobs.ts';
import { openSoak, readSetting, stopSignal } from './setting.ts';

const setting = readSetting();
let rate = 0.01;
process.on('message', (weather: { rate: number }) => {
  rate = weather.rate;
});
const store = createFaultyStore(
  openDiskStore(`${setting.home}/archive`),
  createRandom(setting.seed),
  () => rate,
);
const house = openSoak(setting, store);
const stop = stopSignal();
await house.queue.start(soakJobs(house)).catch((error: unknown) => {
  // It was started while the server was dead; whoever looks after it starts it again.
  if (!isAway(error)) throw error;
  process.exit(0);
});
await new Promise<void>((resolve) => {
  if (stop.aborted) resolve();
  stop.addEventListener('abort', () => resolve());
});
await house.queue.stop();
await house.close();
process.exit(0);
