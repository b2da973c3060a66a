// Builds a file of indexes, to be killed while it does; or kills itself as the kernel would before a statement.
import { openDatabase } from '../../src/db/database.ts';
import { buildIndexFile } from '../../src/db/index-file-build.ts';
import { EXAMPLE } from './fixture.ts';

const [url = '', dieBefore = 'none'] = process.argv.slice(2);
const database = openDatabase({ databaseUrl: url, poolMax: 3, applicationName: 'build-child' });
let sent = 0;
await buildIndexFile(database.direct, EXAMPLE, {
  onStatement: async () => {
    if (String(sent++) !== dieBefore) return;
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => {});
  },
});
await database.close();
