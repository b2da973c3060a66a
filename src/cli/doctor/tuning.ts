import { readLoad } from '../../db/inspect-settings.ts';
import { type Check, together, warned } from './check.ts';
import { judgeCheckpoints, judgeMemory, judgePlanner, judgeSession } from './server-settings.ts';
import { ANY_WAY } from './way.ts';

export const tuningChecks: readonly Check[] = [
  {
    name: 'server-memory',
    group: 'PostgreSQL',
    check: 'PostgreSQL uses the memory it has',
    looks: 'shared_buffers, work_mem and maintenance_work_mem against the size of the database',
    means: 'Reads go to the disk, and closing a quarter takes hours instead of minutes.',
    advice: 'Raise them in postgresql.conf.',
    needs: [ANY_WAY],
    ask: async (setup) =>
      together(
        judgeMemory(await setup.settings(), await readLoad(await setup.db()), setup.limits.largeDatabase),
      ),
  },
  {
    name: 'checkpoints',
    group: 'PostgreSQL',
    check: 'checkpoints come when they are due',
    looks: 'max_wal_size, checkpoint_timeout, and how many checkpoints were forced',
    means: 'Under load twice as much is written as needs to be, and posting is slow in waves.',
    advice: 'Set max_wal_size = 8GB and checkpoint_timeout = 15min.',
    needs: [ANY_WAY],
    ask: async (setup) =>
      together(judgeCheckpoints(await setup.settings(), await readLoad(await setup.db()))),
  },
  {
    name: 'planner-settings',
    group: 'PostgreSQL',
    check: 'the planner is free to choose, and knows the disk',
    looks: 'enable_…, random_page_cost, default_statistics_target and jit',
    means: 'Lists and statements get slower with every quarter.',
    advice: 'Set them back to what PostgreSQL comes with.',
    needs: [ANY_WAY],
    ask: async (setup) =>
      together(
        judgePlanner(await setup.settings(), await readLoad(await setup.db()), setup.limits.largeDatabase),
      ),
  },
  {
    name: 'session-settings',
    group: 'PostgreSQL',
    check: 'nothing is set on the role or the database that changes what sessions do',
    looks: 'time limits, isolation, search_path and TimeZone that a session of this role begins with',
    means: 'Work that takes hours is cut, or statements do something else than they say.',
    advice: 'Reset it for the role and the database: ALTER ROLE … RESET …, ALTER DATABASE … RESET ….',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const { role } = await setup.identity('direct').catch(() => setup.identity('write'));
      return together(judgeSession(await setup.settings(), role, setup.config().timezone));
    },
  },
  {
    name: 'wal-level',
    group: 'PostgreSQL',
    check: 'the WAL holds what a standby or a backup needs',
    looks: 'wal_level',
    means:
      'There can be neither a standby nor a restore to a point in time: what the last dump did not hold is lost with the disk.',
    advice: 'Set wal_level = replica and restart the server.',
    needs: [ANY_WAY],
    ask: async (setup) =>
      (await setup.settings()).get('wal_level')?.setting === 'minimal'
        ? warned('wal_level is minimal.')
        : undefined,
  },
];
