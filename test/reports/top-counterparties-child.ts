// Refreshes the counterparties, to be killed while it does.
import { openDatabase } from '../../src/db/database.ts';
import { refreshTopCounterparties } from '../../src/summaries/top-counterparties.ts';

const [url] = process.argv.slice(2) as [string];
const database = openDatabase({ databaseUrl: url, applicationName: 'counterparties-child' });
await refreshTopCounterparties({ database });
await database.close();
