import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Row, renderTable } from './table.ts';

const path = join(import.meta.dirname, '..', '..', 'docs', 'reliability.md');

export async function readPage(): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

export async function writePage(rows: readonly Row[]): Promise<void> {
  await writeFile(path, pageOf(rows));
}

function pageOf(rows: readonly Row[]): string {
  const verbs = new Set(rows.map(({ verb }) => verb)).size;
  return `# Reliability

What becomes of a quarter when something dies while a verb works on it. \`npm run docs:reliability\` writes this page from a run of
\`test/crash\`; an ordinary run of the tests fails when the steps or the faults are others than those below.

Each verb is run once undisturbed, and says its steps as it comes to them. Then it is started anew, from a copy of the same
database and the same store, for each step, ${rows.length} in ${verbs} situations, and disturbed there:

| fault | what is done |
|---|---|
| killed before | \`kill -9\` of the process at a random moment between the step before and this one |
| killed after | \`kill -9\` of the process when it has come to the step |
| PostgreSQL killed | \`kill -9\` of the postmaster at the step, and a start of the server after the verb has failed |
| sessions ended | \`pg_terminate_backend\` of every session of the process at the step, the server going on |
| COMMIT lost | the connection is cut before a COMMIT that follows the step reaches PostgreSQL |
| answer to COMMIT lost | the same after PostgreSQL has done it and before the process hears of it; every COMMIT of the verb has its turn |
| a second process | a second process is told to do the same while the first one stands at the step |

Then the verb is run once more, as the queue would, and everything has to be as after the undisturbed run: each relation with its
bounds, constraints, indexes and grants, each row of every table, each event of the story once, each file of the store. Besides,
with nothing to compare it with: the rows of every quarter come to the digest they had before, in the tables or in the archive;
the archive has the files of its manifest and no other, is the one that was recorded, and the chain is whole; trial balances sum
up; no detach is pending, and no lock, transaction or temporary table is left. One fault of one step that ends otherwise fails the
test, so this page can only be written when all of them came out right.

The cells say what the fault had left when the verb was run again. \`undone\`: nothing. \`half\`: a part, which the next run
finished. \`done\`: all of it, and the next run changed nothing. \`right\`: either, by the moment. Of a second process, what that was told:
\`busy\`, or \`done\` when there was nothing left for it, or when both may do it; \`waits\` when it waited for the first one before. \`begin\` is
the moment before a verb begins, \`end\` the one after it has returned. A dash: there is no such moment at this step.

${renderTable(rows)}

## All at once

\`npm run soak -- --minutes 10 --seed 7\` lets a ledger live through years in minutes, on a PostgreSQL of its own: writers, a reader, loads
and two workers as real processes with a clock that runs fast, people who hold, archive, detach, restore and drop by hand, and a store that
refuses, loses the end of a file, turns a bit, or breaks off. Workers, writers, readers, loads and PostgreSQL itself are killed
with \`kill -9\`, and sessions are ended, by a plan made from the seed before anything begins. All along it looks whether entries sum to
zero, balances are those of the last entries, closed quarters keep their digest, no partition is lost, and archives can be read. At
the end everything must come to rest by itself; then every transaction that was acknowledged has to be there, in the tables or in an
archive, exactly once, none that was refused or never sent, and everything else as above. It ends with 1 and tells the seed when
something is wrong. The seed brings back the same kills at the same moments; how fast the machine is and which of two processes is
first it cannot bring back.
`;
}
