import { AppError } from '../core/errors.ts';
import type { ReplicaReport } from '../db/replica-monitor.ts';
import type { HttpHouse } from '../http/house.ts';
import type { Operation } from '../http/operation-json.ts';
import { recordHouseEvent } from '../ledger/house-events.ts';
import { readAlerts } from '../platform/prometheus.ts';
import { createTurns } from '../platform/turns.ts';
import { readEvents } from '../quarters/events.ts';
import type { Job } from '../queue/job.ts';
import type { ApiPartOptions } from './api-part.ts';
import { scheduleSwitches } from './measured-worker.ts';
import { checksOf } from './operation-checks.ts';
import { createFactsReader } from './operation-facts.ts';
import { queuesOf } from './operation-schedules.ts';
import { viewOf } from './operation-view.ts';
import { createShared } from './shared.ts';

export interface OperationHouse
  extends Pick<ApiPartOptions, 'database' | 'queue' | 'calendar' | 'clock' | 'config' | 'logger'> {
  readonly jobs: readonly Pick<Job, 'name' | 'queue' | 'schedule'>[];
  /** What was last seen of the replica: null where there is none, undefined before anybody has looked. */
  readonly replica: () => ReplicaReport | null | undefined;
}

/** Milliseconds for which a reading is shown to all who ask: ten open pages cost one. */
const FRESH_MS = 2000;

/** What the HTTP face is given of how the house stands. */
export function createOperationApi(house: OperationHouse): HttpHouse['operation'] {
  const { database, queue, jobs, clock, calendar, config, logger, replica } = house;
  const known = queuesOf(jobs);
  const switchedOff = scheduleSwitches.filter(([, name]) => !config[name]).map(([setting]) => setting);
  const readFacts = createFactsReader({
    db: database.direct,
    queue,
    zone: calendar.zone,
    logger,
    replica,
  });
  const readAlertsNow = createAlertsReader(house);
  const share = createShared<Operation>(FRESH_MS);
  const eventTurns = createTurns({ most: 2, waitMs: 2000, refusal: eventsBusy });
  const checksHouse = { calendar, config, queues: known, switchedOff };

  async function read(): Promise<Operation> {
    const [facts, alerts] = await Promise.all([readFacts(clock.now()), readAlertsNow()]);
    return { ...viewOf(facts, checksHouse), checks: checksOf(facts, checksHouse), alerts };
  }

  return {
    read: () => share('', read),

    async run(name, actor) {
      const wanted = known.find((one) => one.name === name);
      if (wanted === undefined) {
        const detail = `There is no queue ${name}. GET /v1/operation lists them.`;
        throw new AppError('not_found', 'no_such_queue', detail);
      }
      if (wanted.schedule === undefined) {
        const detail = `What is in the queue ${name} is done to one quarter: ask for it there. Only jobs with a schedule are run by hand.`;
        throw new AppError('conflict', 'queue_unscheduled', detail);
      }
      return database.write.transaction().execute(async (trx) => {
        await recordHouseEvent(trx, { event: 'queue-run', actor, detail: { queue: name } });
        return queue.enqueue(trx, name);
      });
    },

    events: (query, signal) => eventTurns(() => readEvents(database.direct, query, signal), signal),
  };
}

/** Asks Prometheus, where there is one. Never fails; that it does not answer is logged when it begins. */
function createAlertsReader({ config, clock, logger }: OperationHouse): () => Promise<Operation['alerts']> {
  const { prometheusUrl } = config;
  let isFailing = false;
  return async () => {
    if (prometheusUrl === undefined) return null;
    const asked_at = clock.now().toISOString();
    try {
      const items = await readAlerts(prometheusUrl);
      isFailing = false;
      return {
        asked_at,
        error: null,
        items: items.map((alert) => ({ ...alert, since: alert.since?.toISOString() ?? null })),
      };
    } catch (error) {
      if (!isFailing) logger.warn({ err: error }, 'Prometheus did not tell how the alerts stand');
      isFailing = true;
      const detail =
        error instanceof AppError ? error.detail : 'Prometheus does not tell how the alerts stand.';
      return { asked_at, error: detail, items: [] };
    }
  };
}

function eventsBusy(): AppError {
  const detail =
    'Two pages of events are read in this process already, and neither was done soon. Try again.';
  return new AppError('busy', 'events_busy', detail);
}
