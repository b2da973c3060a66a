import type { HttpHouse } from '../http/house.ts';
import { readEvents } from '../quarters/events.ts';
import type { ApiPartOptions } from './api-part.ts';

/** What the HTTP face is given of how the house stands. */
export function createOperationApi({ database, clock }: ApiPartOptions): HttpHouse['operation'] {
  return {
    read: async () => ({
      at: clock.now().toISOString(),
      unknown: [],
      ...{ horizon: null, replica: null, summaries: null, fixity: null, indexes: null, alerts: null },
      ...{ queues: [], failures: [], checks: [] },
    }),
    run: async () => true,
    events: (query) => readEvents(database.write, query),
  };
}
