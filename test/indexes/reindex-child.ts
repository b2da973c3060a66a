// Builds indexes anew, to be killed while it does.
import { openDatabase } from '../../src/db/database.ts';
import { thresholds } from '../../src/summaries/index-findings.ts';
import { reindex } from '../../src/summaries/index-reindex.ts';

const database = openDatabase({
  databaseUrl: process.argv[2] ?? '',
  poolMax: 3,
  applicationName: 'reindex-child',
});
await reindex(database, { limits: { ...thresholds, bloatBytes: 100_000n } });
await database.close();
