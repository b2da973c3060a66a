import { parseArgs } from 'node:util';

/** How a bench was called. */
export interface Options {
  /** Sizes, smallest first; what a row is says the bench. */
  readonly rows: readonly number[];
  /** How often each figure is measured on both sides; the median counts. */
  readonly rounds: number;
  /** How long one measurement lasts, after its warm-up. */
  readonly seconds: number;
  /** Only the figures whose names begin so. */
  readonly only: string;
  /** A server to use instead of one of our own; its role must be allowed to create a database. */
  readonly databaseUrl: string | undefined;
  /** Leaves the data where they are. */
  readonly keep: boolean;
  /** Sends an idempotency key with every transaction. */
  readonly keys: boolean;
  /** Writes the table as it stands in docs/performance.md. */
  readonly markdown: boolean;
}

const USAGE = `Options:
  --rows N[,N…]        rows of the tables, or of the load
  --rounds N           measurements of each figure on both sides; the median counts
  --seconds N          length of one measurement
  --only PREFIX        only the figures whose names begin so, as write.single
  --database-url URL   a server to use, in a database of the bench's own; else an embedded one is started
  --keys               bench:write: send an idempotency key with every transaction
  --markdown           bench:outcome: print the table for docs/performance.md
  --keep               leave the data there, and say where`;

/** @throws Error with the usage */
export function readOptions(
  argv: readonly string[],
  defaults: Pick<Options, 'rows' | 'rounds'> & {
    /** Of the largest size, where it depends on that. */
    readonly seconds: number | ((rows: number) => number);
  },
): Options {
  const { values } = parse(argv);
  const rows =
    values.rows === undefined
      ? defaults.rows
      : values.rows
          .split(',')
          .map(count)
          .sort((a, b) => a - b);
  const usual =
    typeof defaults.seconds === 'number' ? defaults.seconds : defaults.seconds(rows.at(-1) as number);
  return {
    rows,
    rounds: values.rounds === undefined ? defaults.rounds : count(values.rounds),
    seconds: values.seconds === undefined ? usual : count(values.seconds),
    only: values.only ?? '',
    databaseUrl: values['database-url'],
    keep: values.keep ?? false,
    keys: values.keys ?? false,
    markdown: values.markdown ?? false,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        rows: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        only: { type: 'string' },
        'database-url': { type: 'string' },
        keep: { type: 'boolean' },
        keys: { type: 'boolean' },
        markdown: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : cause}\n${USAGE}`, { cause });
  }
}

/** `1000000`, `1_000_000`, `1e6`: a whole number above zero. */
function count(text: string): number {
  const number = Number(text.replaceAll('_', ''));
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`${JSON.stringify(text)} is not a whole number above 0.\n${USAGE}`);
}
