import { isLoopback } from '../../core/loopback.ts';
import { inspectServer } from '../../db/inspect.ts';
import { readAges, readLockRoom, readPlaces, readUnvacuumed } from '../../db/inspect-server.ts';
import { protectionOf } from '../../platform/database-url.ts';
import { formatCount } from '../terminal.ts';
import { type Check, failed, skipped, some, together, warned } from './check.ts';
import { judgeFree } from './process.ts';
import { judgeAutovacuum, judgeChecksums, judgeDurability } from './server-settings.ts';
import { ANY_WAY } from './way.ts';

export const serverChecks: readonly Check[] = [
  {
    name: 'server-version',
    group: 'PostgreSQL',
    check: 'PostgreSQL is of a version that this software was made for',
    looks: 'the version of the server: 15 to 18',
    means: 'Statements fail that older servers do not know; of newer ones nobody knows yet.',
    advice: 'Move to PostgreSQL 18.',
    needs: [ANY_WAY],
    ask: async (setup) => judgeVersion((await inspectServer(await setup.db())).version),
  },
  {
    name: 'takes-writes',
    group: 'PostgreSQL',
    check: 'PostgreSQL takes writes',
    looks: 'whether QM_DATABASE_URL leads to a standby, and default_transaction_read_only',
    means: 'Nothing can be posted.',
    advice: 'Point QM_DATABASE_URL and QM_DIRECT_DATABASE_URL at the primary.',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const { inRecovery, role } = await inspectServer(await setup.db());
      if (inRecovery) return failed('It is a standby.');
      const readOnly = (await setup.settings()).get('default_transaction_read_only');
      return readOnly?.setting === 'on'
        ? failed(
            `default_transaction_read_only is on (by ${readOnly.source}).`,
            `Run: ALTER ROLE "${role}" RESET default_transaction_read_only; and the same for the database.`,
          )
        : undefined;
    },
  },
  {
    name: 'durability',
    group: 'PostgreSQL',
    check: 'commits survive a crash',
    looks: 'fsync, full_page_writes and synchronous_commit',
    means: 'After a crash what was answered as booked may be gone, or the files are damaged.',
    advice: 'Switch on what is off, on the server and for the role.',
    needs: [ANY_WAY],
    ask: async (setup) => judgeDurability(await setup.settings()),
  },
  {
    name: 'checksums',
    group: 'PostgreSQL',
    check: 'damaged pages are noticed',
    looks: 'data_checksums',
    means: 'A disk that loses or changes a page is noticed when the books do not balance any more, or never.',
    advice:
      'Stop the server and run `pg_checksums --enable`, or make the next cluster with `initdb --data-checksums`.',
    needs: [ANY_WAY],
    ask: async (setup) => judgeChecksums(await setup.settings()),
  },
  {
    name: 'autovacuum',
    group: 'PostgreSQL',
    check: 'autovacuum is at work',
    looks: 'autovacuum and track_counts, and what is set on our tables',
    means:
      'Tables bloat, plans go by old statistics, and in the end the server stops to save its transaction ids.',
    advice: 'Set autovacuum = on and track_counts = on.',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const off = await readUnvacuumed(await setup.db());
      const faults = judgeAutovacuum(await setup.settings());
      if (off.length > 0) {
        const advice = `Run: ALTER TABLE ${off[0]} RESET (autovacuum_enabled).`;
        faults.push(warned(`It is switched off for ${some(off)}.`, advice));
      }
      return together(faults);
    },
  },
  {
    name: 'wraparound',
    group: 'PostgreSQL',
    check: 'transaction ids are far from running out',
    looks: 'the age of the oldest transaction and multixact ids of the database',
    means: 'At two billion PostgreSQL takes no more writes.',
    advice:
      'End what holds old rows (see `long-transactions`), then run `vacuumdb --freeze` on this database.',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const { xids, multixacts } = await readAges(await setup.db());
      const age = Math.max(xids, multixacts);
      const { ageAdvice, ageFailed } = setup.limits;
      const found = `The oldest is ${formatCount(age)} transactions old.`;
      if (age >= ageFailed) return failed(found);
      return age >= ageAdvice ? warned(found) : undefined;
    },
  },
  {
    name: 'lock-table',
    group: 'PostgreSQL',
    check: 'there is room for the locks of statements over all quarters',
    looks: 'max_locks_per_transaction × max_connections against the partitions and indexes that are attached',
    means: 'Statements over many quarters fail with “out of shared memory”.',
    advice: 'Raise max_locks_per_transaction to 256, or lower QM_ONLINE_QUARTERS.',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const { relations, slots } = await readLockRoom(await setup.db());
      // Ten of them at once is no more than a page that is opened, two reports and the work of a night.
      return relations * 10 <= slots
        ? undefined
        : warned(
            `One statement over all quarters locks ${formatCount(relations)} relations, and there is room for ${formatCount(slots)} locks in all.`,
          );
    },
  },
  {
    name: 'database-space',
    group: 'PostgreSQL',
    check: 'there is room where the database is',
    looks:
      'what is free on the disks of the data directory and of tablespaces, where the server is on this machine and tells where they are',
    means: 'PostgreSQL stops when its disk is full.',
    advice: 'Make room: lower QM_ONLINE_QUARTERS, see `replication-slots`, or give the disk more.',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const { directDatabaseUrl, databaseUrl } = setup.config();
      const { host, protection } = protectionOf(directDatabaseUrl ?? databaseUrl ?? '');
      if (protection !== 'local' && !isLoopback(host)) {
        return skipped(
          'The server is on another machine, and PostgreSQL does not tell what is free. Watch its disks there.',
        );
      }
      const places = await readPlaces(await setup.db());
      if (places.length === 0)
        return skipped(
          'This role is not told where the files are. Grant it pg_read_all_settings, or watch the disks there.',
        );
      const faults = [];
      for (const place of places) {
        const fault = judgeFree(
          'The disk of the database',
          place,
          await setup.machine.free(place),
          setup.limits,
        );
        if (fault !== undefined) faults.push(fault);
      }
      return together(faults);
    },
  },
];

/** @param version as PostgreSQL counts: 180000 is 18.0 */
export function judgeVersion(version: number) {
  const major = Math.floor(version / 10_000);
  if (major < 15) return failed(`It is ${major}, and 15 is the least.`);
  return major <= 18 ? undefined : warned(`It is ${major}, which this version was not tested with.`);
}
