import { AppError } from '../../core/errors.ts';
import { findPooling } from '../../db/inspect-pooler.ts';
import type { Look } from '../../db/look.ts';
import { migrationStatus, requireCompatible } from '../../db/schema-version.ts';
import { type Answer, type Check, failed, skipped, warned } from './check.ts';
import { describeRefusal } from './refusal.ts';
import { type Setup, sameDatabase, type Way, ways } from './setup.ts';

/** Enough for who asks the primary anything: one of the two ways to it. */
export const ANY_WAY = 'database-answers|direct-answers';

export const wayChecks: readonly Check[] = [
  {
    name: 'database-answers',
    group: 'The way to the database',
    check: 'the database answers',
    looks: 'a connection by QM_DATABASE_URL: the name, the port, TLS, the role, its password, the database',
    means: 'Nothing can be posted or read.',
    advice: 'Correct QM_DATABASE_URL.',
    needs: ['settings'],
    ask: async (setup) => {
      if (setup.look('write') === undefined) {
        return failed(
          'QM_DATABASE_URL is not set.',
          'Set it, or use `quartermaster dev`, which brings its own PostgreSQL.',
        );
      }
      return judgeWay(setup, 'write');
    },
  },
  {
    name: 'direct-answers',
    group: 'The way to the database',
    check: 'the database answers by the direct way',
    looks: 'a connection by QM_DIRECT_DATABASE_URL, which passes by any pooler',
    means:
      'Quarters are neither made nor closed, and no job runs; posting goes on until the quarters run out.',
    advice: 'Correct QM_DIRECT_DATABASE_URL.',
    needs: ['settings'],
    ask: async (setup) => {
      const answer = await judgeWay(setup, 'direct');
      // What is wrong with the one way there is was told already.
      return answer !== undefined && isOneWay(setup)
        ? skipped('QM_DIRECT_DATABASE_URL is not set, so there is one way only.')
        : answer;
    },
  },
  {
    name: 'same-database',
    group: 'The way to the database',
    check: 'both ways lead to the same database',
    looks: 'the identity of the server and of the database behind both URLs, not only their names',
    means: 'What is posted and what is cared for are two ledgers.',
    advice: 'Make QM_DATABASE_URL and QM_DIRECT_DATABASE_URL lead to the same database of the same server.',
    needs: ['database-answers', 'direct-answers'],
    ask: async (setup) => {
      const [write, direct] = await Promise.all([setup.identity('write'), setup.identity('direct')]);
      if (sameDatabase(write, direct)) return undefined;
      const tell = ({ database, system, oid }: typeof write) =>
        `${database} (${oid}) of the server ${system ?? 'unknown'}`;
      return failed(`QM_DATABASE_URL leads to ${tell(write)}, QM_DIRECT_DATABASE_URL to ${tell(direct)}.`);
    },
  },
  {
    name: 'same-role',
    group: 'The way to the database',
    check: 'both ways are of the same role',
    looks: 'who a session of each URL is',
    means:
      'Some work is done with the rights of one and some with those of the other, so grants that seem right fail.',
    advice: 'Use one role in both URLs: the one of this process, as in docs/roles.md.',
    needs: ['database-answers', 'direct-answers'],
    ask: async (setup) => {
      const [write, direct] = await Promise.all([setup.identity('write'), setup.identity('direct')]);
      return write.role === direct.role
        ? undefined
        : warned(`QM_DATABASE_URL is of ${write.role}, QM_DIRECT_DATABASE_URL of ${direct.role}.`);
    },
  },
  {
    name: 'pooler-mode',
    group: 'The way to the database',
    check: 'a pooler on QM_DATABASE_URL is in transaction mode',
    looks:
      'how what QM_DATABASE_URL leads to behaves: whether a server connection is lent from one client to the next between transactions',
    means:
      'In statement mode nothing can be posted; in session mode each of our connections keeps one of the server, and the pooler saves none.',
    advice: 'Set pool_mode = transaction for this database.',
    needs: ['database-answers'],
    ask: async (setup) => {
      const mode = await findPooling(setup.look('write') as Look);
      if (mode === 'statement') return failed('A pooler in statement mode refuses transactions.');
      return mode === 'session' ? warned('A pooler in session mode is in between.') : undefined;
    },
  },
  {
    name: 'direct-is-direct',
    group: 'The way to the database',
    check: 'no pooler is on the direct way',
    looks: 'how what QM_DIRECT_DATABASE_URL leads to behaves; without it, QM_DATABASE_URL',
    means:
      'Locks of a session end up with whoever is lent the connection next: two workers do the same work at once, or none does.',
    advice: 'Set QM_DIRECT_DATABASE_URL to PostgreSQL itself, past the pooler.',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const mode = await findPooling(setup.look('direct') as Look);
      const what = isOneWay(setup)
        ? 'QM_DIRECT_DATABASE_URL is not set, and QM_DATABASE_URL'
        : 'QM_DIRECT_DATABASE_URL';
      if (mode === 'none') return undefined;
      const found = `${what} leads to a pooler in ${mode} mode.`;
      return mode === 'session' ? warned(found) : failed(found);
    },
  },
  {
    name: 'schema',
    group: 'The way to the database',
    check: 'the schema is the one this version needs',
    looks: 'which migrations were run',
    means: 'No process starts on this schema.',
    advice: 'Run `quartermaster migrate up` as the owner.',
    needs: [ANY_WAY],
    ask: async (setup): Promise<Answer> => {
      try {
        requireCompatible(await migrationStatus(await setup.db()));
        return undefined;
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== 'config') throw error;
        return failed(
          error.detail,
          error.code === 'schema_newer'
            ? 'Run a newer version of the software; docs/upgrading.md says more.'
            : undefined,
        );
      }
    },
  },
];

function isOneWay(setup: Setup): boolean {
  const { databaseUrl, directDatabaseUrl } = setup.config();
  return databaseUrl === directDatabaseUrl;
}

async function judgeWay(setup: Setup, way: Way): Promise<Answer> {
  try {
    await setup.identity(way);
    return undefined;
  } catch (error) {
    const { databaseUrl, directDatabaseUrl, replicaUrl } = setup.config();
    const url = { write: databaseUrl, direct: directDatabaseUrl, replica: replicaUrl }[way];
    return describeRefusal(error, ways[way], url ?? 'postgres://none');
  }
}

/** For the checks of the replica, which is asked in the same way. */
export const judgeReplicaWay = (setup: Setup): Promise<Answer> => judgeWay(setup, 'replica');
