// Refreshes the summaries, to be killed while it does.
import { calendar } from '../../src/core/quarter.ts';
import { openDatabase } from '../../src/db/database.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';

const [url, zone] = process.argv.slice(2) as [string, string];
const database = openDatabase({ databaseUrl: url, applicationName: 'refresh-child' });
await refreshSummaries({ database, calendar: calendar(zone) });
await database.close();
