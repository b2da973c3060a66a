import type { Job } from '../src/queue/job.ts';
import { analyzePartitionsJob } from './analyze-partitions.ts';
import { archiveJob } from './archive.ts';
import { auditIndexesJob } from './audit-indexes.ts';
import { checkFixityJob } from './check-fixity.ts';
import { checkLedgerJob } from './check-ledger.ts';
import { closeJob } from './close.ts';
import { createJob } from './create.ts';
import { detachJob } from './detach.ts';
import { dropJob } from './drop.ts';
import { expireReservationsJob } from './expire-reservations.ts';
import { expireRestoresJob } from './expire-restores.ts';
import { freezeQuartersJob } from './freeze-quarters.ts';
import type { JobHouse } from './house.ts';
import { purgeIdempotencyKeysJob } from './purge-idempotency-keys.ts';
import { purgeSessionsJob } from './purge-sessions.ts';
import { quarterTickJob } from './quarter-tick.ts';
import { reconcilePartitionsJob } from './reconcile-partitions.ts';
import { reconcileSummariesJob } from './reconcile-summaries.ts';
import { refreshReportsJob } from './refresh-reports.ts';
import { refreshSummariesJob } from './refresh-summaries.ts';
import { reindexJob } from './reindex.ts';
import { releaseJob } from './release.ts';
import { reopenJob } from './reopen.ts';
import { restoreJob } from './restore.ts';
import { verifyJob } from './verify.ts';

/** The one list of all jobs: what the worker works on, `migrate up` makes queues for and `quartermaster run` runs. */
export function allJobs(house: JobHouse): readonly Job[] {
  return [
    reconcilePartitionsJob(house),
    quarterTickJob(house),
    createJob(house),
    closeJob(house),
    reopenJob(house),
    archiveJob(house),
    verifyJob(house),
    detachJob(house),
    dropJob(house),
    restoreJob(house),
    releaseJob(house),
    expireRestoresJob(house),
    refreshSummariesJob(house),
    reconcileSummariesJob(house),
    refreshReportsJob(house),
    analyzePartitionsJob(house),
    freezeQuartersJob(house),
    auditIndexesJob(house),
    reindexJob(house),
    expireReservationsJob(house),
    checkFixityJob(house),
    checkLedgerJob(house),
    purgeIdempotencyKeysJob(house),
    purgeSessionsJob(house),
  ];
}
