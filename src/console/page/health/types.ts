import type { operations } from '../../../../clients/typescript/src/index.ts';

/** How the house stands: `GET /v1/operation`. */
export type Operation = operations['getOperation']['responses']['200']['content']['application/json'];
export type Check = Operation['checks'][number];
export type Queue = Operation['queues'][number];
export type Failure = Operation['failures'][number];
export type Job = operations['listJobs']['responses']['200']['content']['application/json']['jobs'][number];
export type HouseEvent =
  operations['listEvents']['responses']['200']['content']['application/json']['events'][number];
