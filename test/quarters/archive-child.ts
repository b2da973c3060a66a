/**
 * Archives a quarter in a process of its own, for tests that kill it or measure it.
 *
 *   node archive-child.ts URL DIRECTORY QUARTER [STEP [PART_BYTES]]
 *
 * At the step of that name it kills itself as `kill -9` would; `progress` is somewhere in the middle of a copy.
 * Otherwise it prints the most memory it had, and what it had before it began.
 */
import { archiveQuarter } from '../../src/quarters/archive.ts';
import { openArchiveHouse, run } from './archive-fixture.ts';

const [url = '', directory = '', quarter = '', step, partBytes] = process.argv.slice(2);
const die = () => process.kill(process.pid, 'SIGKILL');
const house = openArchiveHouse(
  url,
  directory,
  partBytes === undefined ? {} : { partBytes: Number(partBytes) },
);
const idle = process.memoryUsage().rss;
await archiveQuarter(
  house,
  {
    ...run,
    step: (name) => void (name === step && die()),
    onProgress: ({ done }) => void (step === 'progress' && done > 0 && die()),
  },
  quarter,
);
await house.database.close();
// maxRSS is in kilobytes.
process.stdout.write(JSON.stringify({ idle, peak: process.resourceUsage().maxRSS * 1024 }));
