import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createIds } from '../src/core/id.ts';
import { createPairs, createRandom } from './distributions.ts';

/** One movement of money, as a load brings it and as COPY does. */
interface Row {
  readonly at: Date;
  readonly from: number;
  readonly to: number;
  readonly amount: number;
  readonly reference: string;
}

/** So many rows over the accounts, oldest first, 15 seconds apart: 500,000 fill a quarter. */
function* rowsFrom(start: Date, rows: number, accounts: number): Iterable<Row> {
  const random = createRandom(rows);
  const nextPair = createPairs('spread', accounts, random);
  for (let index = 0; index < rows; index++) {
    const [from, to] = nextPair();
    const amount = 1 + Math.floor(random() * 1000);
    yield { at: new Date(start.getTime() + index * 15_000), from, to, amount, reference: `order-${index}` };
  }
}

/** Writes the rows as the CSV of a load, amounts in minor units; returns the file. */
export async function writeLoadFile(directory: string, start: Date, rows: number, accounts: number) {
  const path = join(directory, 'load.csv');
  const file = openLines(path);
  await file.write('created_at,debit_account,credit_account,amount,currency,user_id,reference_code');
  for (const { at, from, to, amount, reference } of rowsFrom(start, rows, accounts)) {
    await file.write(
      `${at.toISOString()},user-${from}:WALLET,user-${to}:WALLET,${amount},EUR,user-${from},${reference}`,
    );
  }
  await file.end();
  return path;
}

/** One COPY: the table with its columns, and the file with its rows in PostgreSQL's text format. */
export interface CopyFile {
  readonly into: string;
  readonly path: string;
}

/** Writes the rows as they stand in the tables once they are posted, for accounts whose ids begin with `firstId`. */
export async function writeCopyFiles(
  directory: string,
  start: Date,
  rows: number,
  { ledgerId, firstId, accounts }: { ledgerId: number; firstId: bigint; accounts: number },
): Promise<readonly CopyFile[]> {
  const paths = ['transactions', 'entries', 'balances'].map((table) => join(directory, `${table}.copy`));
  const [transactions, entries, balances] = paths.map(openLines) as [Lines, Lines, Lines];
  const newId = createIds();
  const standing = Array.from({ length: accounts + 1 }, () => ({ posted: 0, version: 0, last: '\\N' }));
  const idOf = (account: number) => firstId + BigInt(account - 1);
  for (const { at, from, to, amount, reference } of rowsFrom(start, rows, accounts)) {
    const [id, time] = [newId(at), at.toISOString()];
    const accountIds = `{${idOf(from)},${idOf(to)}}`;
    await transactions.write(
      `${ledgerId}\t${time}\t${id}\tuser-${from}\tSUCCESS\tEUR\t${amount}\t${reference}\t${accountIds}`,
    );
    for (const [account, moved] of [
      [from, -amount],
      [to, amount],
    ] as const) {
      const balance = standing[account] as (typeof standing)[number];
      balance.posted += moved;
      balance.version += 1;
      balance.last = time;
      const { version, posted } = balance;
      await entries.write(`${ledgerId}\t${idOf(account)}\t${time}\t${version}\t${id}\t${moved}\t${posted}`);
    }
  }
  for (const [account, { posted, version, last }] of standing.entries()) {
    if (account === 0) continue;
    await balances.write(`${ledgerId}\t${idOf(account)}\t${posted}\t-1000000000000\t${version}\t${last}`);
  }
  for (const file of [transactions, entries, balances]) await file.end();
  const into = [
    'ledger.transactions (ledger_id, created_at, id, user_id, status, currency, amount, reference_code, account_ids)',
    'ledger.entries (ledger_id, account_id, created_at, version, transaction_id, amount, balance_after)',
    'ledger.balances (ledger_id, account_id, posted, min_balance, version, last_entry_at)',
  ];
  return paths.map((path, index) => ({ path, into: into[index] as string }));
}

interface Lines {
  write(line: string): Promise<void>;
  end(): Promise<void>;
}

const CHUNK_LENGTH = 1 << 16;

/** Lines are gathered, for a write each would take longer than all the rest. */
function openLines(path: string): Lines {
  const file: WriteStream = createWriteStream(path);
  let text = '';
  const flush = async () => {
    if (!file.write(text)) await once(file, 'drain');
    text = '';
  };
  return {
    async write(line) {
      text += `${line}\n`;
      if (text.length > CHUNK_LENGTH) await flush();
    },
    async end() {
      await flush();
      file.end();
      await once(file, 'close');
    },
  };
}
