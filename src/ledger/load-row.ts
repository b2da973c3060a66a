import { metadataFault, parseAddress, textFault } from '../core/account.ts';
import type { Clock } from '../core/clock.ts';
import { parseJson } from '../core/json.ts';
import { parseDecimal, parseMinor } from '../core/money.ts';
import { MAX_POSTINGS, type Posting } from '../core/posting.ts';
import type { Calendar } from '../core/quarter.ts';
import { judgeInstant } from '../core/refusal.ts';
import type { Fault, LoadColumn, LoadRecord } from './load-record.ts';
import type { TransactionRequest } from './request.ts';

/** What the rows of a load are read by. */
export interface RowRules {
  readonly calendar: Calendar;
  /** Amounts as decimal text (`12.34`) or as whole minor units (`1234`). */
  readonly amounts: 'decimal' | 'minor';
  /** The exponent of every known currency. */
  readonly currencies: ReadonlyMap<string, number>;
  /** Times of rows lie between this and now. */
  readonly oldest: Date;
  readonly clock: Clock;
}

/** A record as a request, or why it is none. */
export type Row =
  | { readonly request: TransactionRequest; readonly fault?: undefined }
  | { readonly fault: Fault; readonly request?: undefined };

/** Thrown and caught within this file: a row is given up at its first fault. */
class RowFault extends Error {
  readonly fault: Fault;
  constructor(column: LoadColumn | 'postings', reason: string) {
    super(reason);
    this.fault = { column, reason };
  }
}

/** Reads a record as a request: money moves from its debit account (`from`) to its credit account (`to`). */
export function readRow(record: LoadRecord, rules: RowRules): Row {
  if (record.fault) return { fault: record.fault };
  try {
    const { values } = record;
    return {
      request: {
        createdAt: readInstant(values.created_at, rules),
        postings: values.postings === undefined ? [readPosting(values, rules)] : readPostings(values, rules),
        userId: readText('user_id', values.user_id),
        status: readStatus(values.status),
        referenceCode: readText('reference_code', values.reference_code),
        description: readText('description', values.description),
        metadata: readMetadata(values.metadata),
        effectiveAt: readEffective(values.effective_at, rules),
      },
    };
  } catch (error) {
    if (error instanceof RowFault) return { fault: error.fault };
    throw error;
  }
}

function readInstant(value: unknown, { calendar, oldest, clock }: RowRules): Date {
  const instant = parseInstant('created_at', requireString('created_at', value), calendar);
  const refusal = judgeInstant(instant, { oldest, latest: clock.now() });
  if (refusal) throw new RowFault('created_at', refusal.detail);
  return instant;
}

/** When it truly happened may be any time, also one in a quarter that is closed. */
function readEffective(value: unknown, { calendar }: RowRules): Date | undefined {
  const text = readString('effective_at', value);
  return text === undefined ? undefined : parseInstant('effective_at', text, calendar);
}

function parseInstant(column: LoadColumn, text: string, calendar: Calendar): Date {
  const instant = calendar.parseInstant(text);
  if (instant) return instant;
  throw new RowFault(column, `${shown(text)} is no date (2026-03-31) and no time (2026-03-31T12:00:00Z)`);
}

function readPosting(values: LoadRecord['values'], rules: RowRules): Posting {
  const currency = readCurrency('currency', values.currency, rules);
  return {
    from: readAddress('debit_account', values.debit_account),
    to: readAddress('credit_account', values.credit_account),
    amount: readAmount('amount', values.amount, currency, rules),
    currency,
  };
}

/** Several postings of one transaction, as NDJSON can hold. */
function readPostings(values: LoadRecord['values'], rules: RowRules): Posting[] {
  for (const column of ['debit_account', 'credit_account', 'amount', 'currency'] as const) {
    if (values[column] !== undefined)
      throw new RowFault(column, 'stands beside postings, which say it already');
  }
  const { postings } = values;
  if (!Array.isArray(postings) || postings.length === 0 || postings.length > MAX_POSTINGS) {
    throw new RowFault('postings', `must be a list of 1 to ${MAX_POSTINGS}`);
  }
  return postings.map((posting: unknown) => {
    if (typeof posting !== 'object' || posting === null) throw new RowFault('postings', 'must hold objects');
    const { from, to, amount, currency, ...rest } = posting as Record<string, unknown>;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined)
      throw new RowFault('postings', `hold ${shown(unknown)}, which is nothing known`);
    const code = readCurrency('postings', currency, rules);
    return {
      from: readAddress('postings', from),
      to: readAddress('postings', to),
      amount: readAmount('postings', amount, code, rules),
      currency: code,
    };
  });
}

function readAddress(column: LoadColumn | 'postings', value: unknown): string {
  const text = requireString(column, value);
  if (parseAddress(text)) return text;
  throw new RowFault(
    column,
    `${shown(text)} is not an account, which is written entity:GROUP, as user-123:WALLET`,
  );
}

function readCurrency(column: LoadColumn | 'postings', value: unknown, { currencies }: RowRules): string {
  const text = requireString(column, value);
  if (currencies.has(text)) return text;
  throw new RowFault(column, `${shown(text)} is not a currency of ledger.currencies, as EUR is`);
}

function readAmount(
  column: LoadColumn | 'postings',
  value: unknown,
  currency: string,
  { amounts, currencies }: RowRules,
): bigint {
  const exponent = currencies.get(currency) ?? 0;
  const minor = amounts === 'minor';
  // A JSON number has been a double already, which holds whole numbers truly and tenths not at all.
  const whole = minor && typeof value === 'number' && Number.isSafeInteger(value);
  const text = whole ? String(value) : requireString(column, value);
  const amount = minor ? parseMinor(text) : parseDecimal(text, exponent);
  if (amount === undefined) {
    const form = minor
      ? 'a whole number of minor units'
      : `an amount of ${currency} with at most ${exponent} decimals`;
    throw new RowFault(column, `${shown(text)} is not ${form}`);
  }
  if (amount > 0n) return amount;
  const advice =
    amount < 0n ? ': swap the accounts to move money the other way' : ', or there is no transaction';
  throw new RowFault(column, `${shown(text)} must be above zero${advice}`);
}

function readStatus(value: unknown): 'SUCCESS' | 'FAILED' | undefined {
  const text = readString('status', value);
  if (text === undefined || text === 'SUCCESS' || text === 'FAILED') return text;
  throw new RowFault('status', `${shown(text)} is neither SUCCESS nor FAILED`);
}

function readText(column: 'user_id' | 'reference_code' | 'description', value: unknown): string | undefined {
  const text = readString(column, value);
  const fault = text === undefined ? undefined : textFault(column, text);
  if (fault !== undefined) throw new RowFault(column, fault);
  return text;
}

function readMetadata(value: unknown): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined;
  let parsed: unknown = value;
  if (typeof value === 'string') {
    try {
      parsed = parseJson(value);
    } catch (error) {
      throw new RowFault('metadata', `is not JSON: ${(error as Error).message}`);
    }
  }
  const fault = metadataFault(parsed);
  if (fault !== undefined) throw new RowFault('metadata', fault);
  return parsed as Record<string, unknown>;
}

function requireString(column: LoadColumn | 'postings', value: unknown): string {
  const text = readString(column, value);
  if (text === undefined) throw new RowFault(column, 'is missing');
  return text;
}

/** Text that is there; undefined for what is left out, empty or null. */
function readString(column: LoadColumn | 'postings', value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new RowFault(column, `${shown(JSON.stringify(value))} must be text, in quotes`);
}

/** A value in a message: quoted, and cut where it is long. */
function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
