import type { Dashboard } from './dashboard.ts';
import { api, posting } from './ops-api.ts';
import { database } from './ops-database.ts';
import { glance, happening } from './ops-glance.ts';
import { jobs } from './ops-jobs.ts';
import { process, upkeep } from './ops-upkeep.ts';

export const ops: Dashboard = {
  uid: 'quartermaster-ops',
  title: 'Quartermaster: operation',
  description: 'Whether the ledger takes writes and answers, and what its workers do. For who is on duty.',
  tags: ['ops'],
  from: 'now-6h',
  refresh: '1m',
  rows: [glance, happening, api, posting, database, jobs, upkeep, process],
};
