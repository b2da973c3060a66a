import { withLongStatements } from '../src/db/long-statement.ts';
import { findViolations } from '../src/ledger/invariants.ts';
import { type Job, maintenanceQueue } from '../src/queue/job.ts';
import type { JobHouse } from './house.ts';
import { leaveMeasurements } from './measure.ts';

/**
 * Nightly: whether what must hold in the balances does, of every account where the doctor looks at a page of them. It changes nothing, and what it finds fails no
 * run: it is an error in the log, and a figure that stays until a later night finds the ledger right.
 */
export function checkLedgerJob({ database }: JobHouse): Job {
  return {
    name: 'check-ledger',
    queue: maintenanceQueue('check-ledger'),
    schedule: '50 4 * * *',
    async handle(_data, { signal, logger }) {
      const { direct } = database;
      const violations = await direct.connection().execute((session) =>
        // Every balance is read, which may take longer than a role's statements may.
        withLongStatements(session, { pool: direct, relations: [['ledger', 'balances']], signal }, () =>
          findViolations(session, { signal }),
        ),
      );
      for (const violation of violations) logger.error(violation, 'the ledger is not right');
      await leaveMeasurements(direct, logger, 'ledger_imbalances', [{ label: '', value: violations.length }]);
      return { violations };
    },
  };
}
