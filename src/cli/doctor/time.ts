import { storeTime } from '../../archive/s3-time.ts';
import { AppError } from '../../core/errors.ts';
import { calendar as calendarOf } from '../../core/quarter.ts';
import { inspectServer } from '../../db/inspect.ts';
import { knowsZone } from '../../db/inspect-server.ts';
import { readSettings } from '../../db/schema-version.ts';
import { findZoneFaults } from '../../db/zone-data.ts';
import { type Check, type Fault, failed, skipped } from './check.ts';
import { ANY_WAY } from './way.ts';

export const timeChecks: readonly Check[] = [
  {
    name: 'clocks',
    group: 'Time',
    check: 'the clocks agree',
    looks: "PostgreSQL's clock and this machine's, up to five seconds",
    means: 'Quarters open and close at the wrong moment, and keys and tokens end too early or too late.',
    advice: 'Run NTP on both machines.',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const { now } = await inspectServer(await setup.db());
      return judgeSkew(now, (await setup.house()).clock.now(), setup.limits.skew, 'PostgreSQL');
    },
  },
  {
    name: 'store-clock',
    group: 'Time',
    check: 'the clock of the store agrees',
    looks: 'the Date of an answer of the S3 server and the clock of this machine',
    means:
      'From fifteen minutes on the server refuses every request; locks of files end at another time than was meant.',
    advice: 'Run NTP on both machines.',
    needs: ['settings'],
    ask: async (setup) => {
      const { store, s3 } = setup.config();
      if (!store.startsWith('s3:')) return skipped('The store is a directory.');
      const now = await storeTime(store, s3);
      if (now === undefined) return skipped('The store does not tell its time.');
      return judgeSkew(now, (await setup.house()).clock.now(), setup.limits.skew, 'the store');
    },
  },
  {
    name: 'zone-stored',
    group: 'Time',
    check: 'the zone and the ledger set are those the database was made with',
    looks: 'QM_TIMEZONE and QM_LEDGER_SET against what was stored by the first migration',
    means: 'No process starts, for quarters would be cut elsewhere, or archives go to another folder.',
    advice: 'Set both as the database has them.',
    needs: ['schema'],
    ask: async (setup) => {
      try {
        await readSettings(await setup.db(), setup.config());
        return undefined;
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== 'config') throw error;
        return failed(error.detail);
      }
    },
  },
  {
    name: 'zone-known',
    group: 'Time',
    check: 'PostgreSQL knows the zone of the ledger',
    looks: "QM_TIMEZONE in PostgreSQL's list of zones",
    means: 'Reports fail, for they cut days by that zone in the database.',
    advice: 'Update tzdata on the server, or name the zone as it is called in both.',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const { timezone } = setup.config();
      return (await knowsZone(await setup.db(), timezone))
        ? undefined
        : failed(`PostgreSQL has no zone ${timezone}.`);
    },
  },
  {
    name: 'zone-data',
    group: 'Time',
    check: 'days begin at the same instants in PostgreSQL and here',
    looks: 'the bounds of all quarters, and of each day of last year and next, here and there',
    means: 'Reports and statements disagree on which day or quarter a row is of.',
    advice: 'One of the two has old data of time zones: update tzdata on the server, or Node.',
    needs: ['schema', 'zone-stored', 'zone-known'],
    ask: async (setup) => {
      const { timezone } = setup.config();
      const calendar = calendarOf(timezone);
      const faults = await findZoneFaults(await setup.db(), calendar, (await setup.house()).clock.now());
      const [fault] = faults;
      if (fault === undefined) return undefined;
      const [here, there] = [fault.expected.toISOString(), fault.postgres.toISOString()];
      return failed(
        `${faults.length} days of ${timezone} do not: ${fault.day} begins at ${here} here, and at ${there} in PostgreSQL.`,
      );
    },
  },
];

export function judgeSkew(there: Date, here: Date, most: number, who: string): Fault | undefined {
  const skew = Math.abs(there.getTime() - here.getTime()) / 1000;
  return skew <= most
    ? undefined
    : failed(`The clock of ${who} and the one here are ${skew.toFixed(0)} s apart.`);
}
