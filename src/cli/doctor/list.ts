import { bookChecks } from './books.ts';
import type { Check } from './check.ts';
import { processChecks } from './process.ts';
import { replicaChecks } from './replica.ts';
import { rightsChecks } from './rights.ts';
import { serverChecks } from './server.ts';
import { sessionChecks } from './sessions.ts';
import { settingsChecks } from './settings.ts';
import { storeChecks } from './store.ts';
import { timeChecks } from './time.ts';
import { tuningChecks } from './tuning.ts';
import { wayChecks } from './way.ts';
import { workChecks } from './work.ts';

/** All checks, in the order in which they are told. */
export const checks: readonly Check[] = [
  ...settingsChecks,
  ...processChecks,
  ...wayChecks,
  ...serverChecks,
  ...tuningChecks,
  ...sessionChecks,
  ...rightsChecks,
  ...replicaChecks,
  ...timeChecks,
  ...storeChecks,
  ...workChecks,
  ...bookChecks,
];
