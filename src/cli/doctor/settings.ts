import { isLoopback } from '../../core/loopback.ts';
import type { Config } from '../../platform/config.ts';
import { protectionOf } from '../../platform/database-url.ts';
import { type Check, type Fault, failed, together, warned } from './check.ts';
import { ways } from './setup.ts';

export const settingsChecks: readonly Check[] = [
  {
    name: 'settings',
    group: 'Settings',
    check: 'the settings can be read',
    looks: 'every variable of the environment that begins with QM_: known, and of a value that it may have',
    means: 'No process starts with these.',
    advice: 'Set each as it says; the README lists them all.',
    ask: (setup) => {
      setup.config();
      return undefined;
    },
  },
  {
    name: 'settings-fit',
    group: 'Settings',
    check: 'the settings fit each other',
    looks: 'pairs of settings of which each is allowed and both together do what nobody wants',
    means: 'The ledger does something else than was meant.',
    advice: 'Change one of the two.',
    needs: ['settings'],
    ask: (setup) => together(unfitting(setup.config())),
  },
  {
    name: 'listen-address',
    group: 'Settings',
    check: 'the API is not open to other machines in plain text',
    looks: 'QM_HOST, outside a container: the API itself speaks no TLS',
    means: 'Keys and amounts can be read on the way.',
    advice:
      'Set QM_HOST=127.0.0.1 and put a proxy with TLS in front, on the same machine. It has to hand on Host, X-Forwarded-Proto and X-Forwarded-For, as docs/guide-ops.md shows.',
    needs: ['settings'],
    ask: (setup) => {
      const { host } = setup.config();
      // A pod has an address of its own, and what is in front of it is the cluster's.
      if (isLoopback(host) || setup.machine.isContained()) return undefined;
      return warned(`QM_HOST is ${host}, which other machines reach, and no TLS is spoken there.`);
    },
  },
  {
    name: 'encryption',
    group: 'Settings',
    check: 'connections beyond this machine are encrypted, to servers that are known',
    looks: 'sslmode in the URLs of databases on other machines, and whether QM_S3_ENDPOINT is https',
    means: 'Who is on the way reads what is sent, or takes the part of the database.',
    advice:
      'Add sslmode=verify-full to the URL, and sslrootcert=/path/to/ca.crt where the CA is your own; of a store, write https.',
    needs: ['settings'],
    ask: (setup) => {
      const { databaseUrl, directDatabaseUrl, replicaUrl, store, s3 } = setup.config();
      const faults = Object.entries({
        [ways.write]: databaseUrl,
        [ways.direct]: directDatabaseUrl === databaseUrl ? undefined : directDatabaseUrl,
        [ways.replica]: replicaUrl,
      }).flatMap(([name, url]) => {
        if (url === undefined) return [];
        const { host, protection } = protectionOf(url);
        if (protection === 'plain') return [`${name} leads to ${host} without TLS`];
        return protection === 'unverified'
          ? [`${name} leads to ${host}, whose certificate nobody looks at`]
          : [];
      });
      const endpoint = store.startsWith('s3:') ? URL.parse(s3.endpoint ?? '') : null;
      if (endpoint?.protocol === 'http:' && !isLoopback(endpoint.hostname)) {
        faults.push(`QM_S3_ENDPOINT leads to ${endpoint.hostname} without TLS`);
      }
      return faults.length === 0 ? undefined : failed(`${faults.join('; ')}.`);
    },
  },
];

/** Pairs of settings that go against each other. Pure. */
export function unfitting(config: Config): Fault[] {
  const faults: Fault[] = [];
  const { archiveQuarters, dropQuarters, createQuarters, archiveApproval } = config;
  if (dropQuarters && !archiveQuarters) {
    faults.push(
      warned(
        'QM_ARCHIVE_QUARTERS is off and QM_DROP_QUARTERS is on: what is archived by hand is dropped by itself.',
        'Set QM_DROP_QUARTERS=off until quarters are archived by schedule.',
      ),
    );
  }
  if (dropQuarters && archiveQuarters && config.dropAfterDays === 0 && archiveApproval === 'auto') {
    faults.push(
      warned(
        'QM_DROP_AFTER_DAYS is 0 with QM_ARCHIVE_APPROVAL=auto: a quarter is dropped the moment it is detached, and nobody is asked.',
        'Set QM_DROP_AFTER_DAYS=30, or QM_ARCHIVE_APPROVAL=required.',
      ),
    );
  }
  if (!createQuarters) {
    faults.push(
      warned(
        'QM_CREATE_QUARTERS is off: writes fail when the quarters there are have passed.',
        'Set QM_CREATE_QUARTERS=on, or make quarters by hand in time.',
      ),
    );
  } else if (config.premakeQuarters < 2) {
    faults.push(
      warned(
        `QM_PREMAKE_QUARTERS is ${config.premakeQuarters}: a worker that is away for a quarter stops all writes.`,
        'Set QM_PREMAKE_QUARTERS=4.',
      ),
    );
  }
  if (config.closeAfterDays > 92) {
    faults.push(
      warned(
        `QM_CLOSE_AFTER_DAYS is ${config.closeAfterDays}, longer than a quarter: several quarters are open to change at once.`,
        'Set QM_CLOSE_AFTER_DAYS=10.',
      ),
    );
  }
  if (config.onlineQuarters < 2) {
    faults.push(
      warned(
        'QM_ONLINE_QUARTERS is 1: the quarter before leaves as soon as it is closed, and comparisons with it read archives.',
        'Set QM_ONLINE_QUARTERS to 5 or more.',
      ),
    );
  }
  // A refresh holds a connection a lane, and its lock another one.
  if (config.refreshParallel + 2 > config.poolMax) {
    faults.push(
      warned(
        `QM_REFRESH_PARALLEL is ${config.refreshParallel} and QM_POOL_MAX ${config.poolMax}: a refresh takes the connections that other work waits for.`,
        `Set QM_POOL_MAX=${config.refreshParallel + 2} or more, or fewer lanes.`,
      ),
    );
  }
  if (config.fixityDays > 400) {
    faults.push(
      warned(
        `QM_FIXITY_DAYS is ${config.fixityDays}: damage in an archive may go unseen for more than a year.`,
        'Set QM_FIXITY_DAYS=90.',
      ),
    );
  }
  return faults;
}
