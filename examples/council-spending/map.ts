import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { readGivenColumns } from './columns.ts';
import { type AsideLine, csvLine, LOAD_HEADER, openSpending, readSpending } from './spending.ts';

const HELP = `Maps a council's spending CSV to the load format of quartermaster, on standard output, in order of days.

  node examples/council-spending/map.ts FILE [options] | quartermaster load - --id NAME …

FILE is CSV, plain, .gz or .zst, or - for standard input.
  --rejects FILE    write the lines that are no transactions there (zero amounts, unreadable ones)
  --columns LIST    columns the file calls otherwise, as "date=Paid On,amount=Sum"; also supplier, supplier_id,
                    transaction_no, expense_type; a column may be given by its number, from 1
  --council NAME    the entity of the council's account (default: council)
  --currency CODE   default: GBP
  --month-first     03/04/2019 is the fourth of March
`;

/** How many unreadable lines are shown when there is nowhere to write them. */
const SHOWN = 5;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rejects: { type: 'string' },
      columns: { type: 'string' },
      council: { type: 'string' },
      currency: { type: 'string' },
      'month-first': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const [path] = positionals;
  if (values.help || path === undefined) {
    process.stderr.write(HELP);
    return values.help ? 0 : 64;
  }
  const rejects = values.rejects === undefined ? undefined : createWriteStream(values.rejects);
  const shown: AsideLine[] = [];
  const { report, header, sorter } = await readSpending(
    openSpending(path),
    {
      ...(values.council === undefined ? {} : { council: values.council }),
      ...(values.currency === undefined ? {} : { currency: values.currency }),
      ...(values.columns === undefined ? {} : { columns: readGivenColumns(values.columns) }),
      monthFirst: values['month-first'] === true,
    },
    (aside) => {
      if (!aside.reason.startsWith('a zero') && shown.length < SHOWN) shown.push(aside);
      if (rejects?.bytesWritten === 0 && rejects.writableLength === 0) {
        rejects.write(csvLine(['line', 'reason', ...aside.header]));
      }
      rejects?.write(csvLine([String(aside.line), aside.reason, ...aside.cells]));
    },
  );
  try {
    if (rejects) {
      rejects.end();
      await once(rejects, 'close');
    }
    for (const { line, reason } of shown) process.stderr.write(`line ${line}: ${reason}\n`);
    if (report.unreadable > 0 && !rejects) {
      process.stderr.write(
        `${report.unreadable} of ${report.lines} lines cannot be read. Nothing was written: correct them, or have them put aside with --rejects FILE.\nThe columns are ${header.join(', ')}\n`,
      );
      return 65;
    }
    process.stdout.write(LOAD_HEADER);
    for (const rows of sorter.months()) {
      if (!process.stdout.write(rows.join(''))) await once(process.stdout, 'drain');
    }
    process.stderr.write(
      `${report.lines} lines: ${report.transactions} transactions (${report.credits} of them credits), ${report.zeros} zero amounts and ${report.unreadable} unreadable lines put aside.\n`,
    );
    return 0;
  } finally {
    sorter.close();
  }
}

// Whoever reads us may stop early, as head does; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 65;
  },
);
