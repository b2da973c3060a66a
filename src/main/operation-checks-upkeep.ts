import {
  type CheckDefinition,
  counted,
  critical,
  fine,
  judged,
  listed,
  timeOf,
  warning,
  whole,
} from './operation-check.ts';
import { endsOf } from './operation-schedules.ts';

/** Without the words of the network, in which are hosts. */
export const replicaReasons = {
  well: 'It is read from.',
  behind: 'It lags by more than QM_REPLICA_MAX_LAG allows.',
  failed: 'It could not be reached, did not answer in time, or failed a read.',
  no_standby: 'QM_REPLICA_URL leads to a server that takes writes itself: it may have been promoted.',
  foreign: 'It follows another primary than QM_DATABASE_URL.',
} as const;

/** How the work goes that keeps the ledger fast and true, and what it runs on. */
export const upkeepChecks: readonly CheckDefinition[] = [
  {
    name: 'books',
    advice: 'Stop and look: somebody wrote beside the software, or a restore went wrong.',
    runbook: 'ledger-imbalance',
    look: ({ queues }) =>
      judged(queues, ({ measurements }) => {
        const found = measurements.find(({ metric }) => metric === 'ledger_imbalances');
        if (found === undefined) return fine('The nightly check of balances has not run yet.');
        if (found.value > 0)
          return critical(`${counted(found.value, 'thing')} in the balances must never be.`);
        return fine('The balances are what their entries say.');
      }),
  },
  {
    name: 'freeze',
    advice:
      'Find what keeps vacuum back: an old transaction, a replication slot, or autovacuum switched off.',
    runbook: 'freeze-age',
    look: ({ horizon }) =>
      judged(horizon, ({ freeze: { age, limit } }) => {
        const used = age ?? 0;
        const detail = `The oldest unfrozen row is ${whole(used)} transactions old; vacuum is forced at ${whole(limit)}.`;
        return { state: used > 1.5e9 ? 'critical' : used > 1.1 * limit ? 'warning' : 'ok', detail };
      }),
  },
  {
    name: 'schedules',
    advice: 'See that a worker runs and takes jobs; the list of queues shows when each last ended well.',
    runbook: 'schedule-silent',
    look: ({ queues, at }, house) =>
      judged(queues, (found) => {
        const silent = house.queues.filter(
          (queue) => endsOf(queue, found.outcomes, found.measurements, at).isOverdue,
        );
        if (silent.length === 0) return fine('Every job with a schedule has ended well in its time.');
        return warning(`Not ended well for two of their turns: ${listed(silent.map(({ name }) => name))}.`);
      }),
  },
  {
    name: 'jobs',
    advice: 'Read the error in the list of failures. It is tried again at its next turn, or at once by hand.',
    runbook: 'job-failing',
    look: ({ queues, at }, house) =>
      judged(queues, (found) => {
        const failing = house.queues.flatMap((queue) => {
          const { failure } = endsOf(queue, found.outcomes, found.measurements, at);
          return queue.interval === undefined || failure === null ? [] : [`${queue.name} (${failure})`];
        });
        if (failing.length === 0) return fine('No job with a schedule has failed since it last ended well.');
        return warning(`Failed since they last ended well: ${listed(failing)}.`);
      }),
  },
  {
    name: 'queues',
    advice: 'There are too few workers, they hang, or one run takes as long as that.',
    runbook: 'jobs-waiting',
    look: ({ queues }) =>
      judged(queues, (found) => {
        const waiting = found.queues.filter(
          ({ queue, readySeconds }) => readySeconds > (queue === 'quarter' ? 6 * 3600 : 1800),
        );
        if (waiting.length === 0) return fine('Workers take what is ready.');
        const names = waiting.map(({ queue, readySeconds }) => `${queue} for ${timeOf(readySeconds)}`);
        return warning(`Ready, and taken by no worker: ${listed(names)}.`);
      }),
  },
  {
    name: 'summaries',
    advice: 'See that a worker runs and what its job refresh-summaries logs.',
    runbook: 'summaries-behind',
    look: ({ summaries }) =>
      judged(summaries, ({ seconds, days }) => {
        const detail =
          days === 0
            ? 'Everything is summed up.'
            : `${counted(days, 'day')} to sum up, for ${timeOf(seconds)}.`;
        return seconds > 900 ? warning(detail) : fine(detail);
      }),
  },
  {
    name: 'replica',
    advice: 'Look at the replica: reads are right meanwhile, and all of them a load of the primary.',
    runbook: 'replica',
    look: ({ replica }) => {
      if (replica === null) return fine('There is none: everything is read from the primary.');
      if (replica === undefined) return { state: 'unknown', detail: 'It has not been looked at yet.' };
      if (replica.state === 'ok') return fine('It is read from.');
      return warning(`This process leaves it alone: ${replicaReasons[replica.reason]}`);
    },
  },
  {
    name: 'statistics',
    advice: 'See what analyze-partitions logs; the planner may choose bad plans meanwhile.',
    runbook: 'statistics-stale',
    look: ({ queues }) =>
      judged(queues, ({ measurements }) => {
        const found = measurements.filter(({ metric, value }) => metric === 'stale_statistics' && value > 0);
        const tables = found.reduce((sum, { value }) => sum + value, 0);
        if (tables === 0) return fine("The planner's statistics are up to date.");
        return warning(`The planner's statistics of ${counted(tables, 'table')} are out of date.`);
      }),
  },
  {
    name: 'indexes',
    advice: 'The findings name the statement that mends each.',
    runbook: 'indexes',
    look: ({ indexes }) =>
      judged(indexes, (audit) => {
        if (audit === undefined) return fine('They have not been audited yet; that is done each week.');
        const broken = audit.findings.filter(({ kind }) => kind === 'invalid' || kind === 'missing');
        const bytes = Map.groupBy(audit.findings, ({ kind }) => kind);
        const large = [...bytes].filter(
          ([, some]) => some.reduce((sum, one) => sum + one.bytes, 0) > 2 ** 30,
        );
        if (broken.length > 0)
          return warning(`Missing or invalid: ${listed(broken.map(({ index }) => index))}.`);
        if (large.length > 0)
          return warning(`More than a gibibyte of indexes is ${listed(large.map(([kind]) => kind))}.`);
        return fine(`The last audit has ${counted(audit.findings.length, 'finding')}, none of them grave.`);
      }),
  },
  {
    name: 'switches',
    advice:
      'What a switched-off schedule would do is done by nobody. Switch it on again when it is not meant to be so.',
    runbook: 'switched-off',
    look: (_facts, { switchedOff }) =>
      switchedOff.length === 0
        ? fine('No schedule is switched off.')
        : warning(`Switched off for this process: ${listed(switchedOff)}.`),
  },
  {
    name: 'connections',
    advice: 'Make pools smaller (QM_POOL_MAX), put a pooler in between, or raise max_connections.',
    runbook: 'connections',
    look: ({ horizon }) =>
      judged(horizon, ({ server: { connections, limit } }) => {
        const detail = `${connections} of the ${limit} connections that PostgreSQL lets in are taken.`;
        return connections > 0.9 * limit ? warning(detail) : fine(detail);
      }),
  },
];
