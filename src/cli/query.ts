import { type Command, InvalidArgumentError } from 'commander';
import { type AdHocResult, type Cell, runQuery } from '../db/adhoc.ts';
import { createRouter } from '../db/routing.ts';
import { type CommandKit, command, contextOf, withHouse } from './command.ts';
import { formatCount, note, printResult, table } from './terminal.ts';

interface Flags {
  json?: boolean;
  maxRows: number;
  timeout: number;
}

/** `quartermaster query SQL`: what no endpoint answers, without harm to the ledger or to those who write to it. */
export function queryCommand(kit: CommandKit): Command {
  return command('query', 'run one read-only query; a dear one runs on the replica, if there is one', [
    'query "SELECT status, count(*) FROM ledger.transactions GROUP BY status"',
    'query "TABLE quartermaster.quarters" --json',
    'query "SELECT * FROM ledger.entries ORDER BY created_at" --max-rows 20 --timeout 300',
  ])
    .argument('<sql>', 'one SELECT, VALUES, TABLE or WITH')
    .option('--max-rows <rows>', 'how many rows are printed at most', countTo(100_000), 1000)
    .option('--timeout <seconds>', 'how long the query may take', countTo(86_400), 30)
    .action(async (text: string, flags: Flags) => {
      const context = contextOf(kit, flags, 'warn');
      const { config, terminal, logger } = context;
      await withHouse(context, async ({ database }) => {
        const router = createRouter({
          database,
          maxLagMs: config.replicaMaxLag * 1000,
          onReplicaState: (report) => {
            if (report.state !== 'ok') logger.warn(report, 'the replica is not used');
          },
        });
        await router.start();
        try {
          const result = await runQuery(router, {
            sql: text,
            maxRows: flags.maxRows,
            timeoutMs: flags.timeout * 1000,
            costLimit: config.replicaCost,
            signal: kit.entry.signal,
          });
          printResult(terminal, result, renderResult);
          if (!terminal.json) note(terminal, summary(result));
        } finally {
          await router.stop();
        }
      });
    });
}

function countTo(maximum: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (count >= 1 && count <= maximum) return count;
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${maximum}.`);
  };
}

function renderResult({ columns, rows }: AdHocResult): string {
  const numeric = columns.filter(({ type }) =>
    /^(smallint|integer|bigint|numeric|real|double|oid)/.test(type),
  );
  return table(
    columns.map(({ name }) => printable(name)),
    rows.map((row) => row.map(printable)),
    numeric.map(({ name }) => printable(name)),
  );
}

/** One line, and no control character: what stands in a row must not steer the terminal. */
function printable(cell: Cell): string {
  if (cell === null) return 'NULL';
  return String(cell).replace(/\p{Cc}/gu, (control) => {
    return ESCAPES[control] ?? `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function summary({ rows, truncated, server, cost }: AdHocResult): string {
  const count = truncated
    ? `The first ${formatCount(rows.length)} rows; there are more.`
    : `${formatCount(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}.`;
  return `${count} From the ${server}, at a cost of ${formatCount(Math.round(cost))}.`;
}
