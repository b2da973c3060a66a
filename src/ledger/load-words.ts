import { parseAddress } from '../core/account.ts';
import type { Refusal } from '../core/refusal.ts';
import type { Fault, LoadColumn, LoadRecord } from './load-record.ts';

/** How a face calls the options of a load, for the advice that messages give. */
export interface LoadWords {
  /** What to do about a bad row. */
  readonly mend: string;
  readonly anotherId: string;
  /** What lets accounts of that group be created so that they may go below zero. */
  allowNegative(group: string): string;
}

export const commandWords: LoadWords = {
  mend: 'Mend the line and give the file again, or have bad rows written aside with --reject FILE.',
  anotherId: 'another --id',
  allowNegative: (group) => `--allow-negative ${group}`,
};

export const requestWords: LoadWords = {
  mend: 'Mend the line and send all of it again under the same id.',
  anotherId: 'another id',
  allowNegative: (group) => `allow_negative=${group}`,
};

const columns: Partial<Record<Refusal['field'], LoadColumn>> = {
  from: 'debit_account',
  to: 'credit_account',
  amount: 'amount',
  currency: 'currency',
  created_at: 'created_at',
};

/** A refusal of the ledger's rules in the words of the file. */
export function faultOf({ code, field, detail }: Refusal, record: LoadRecord, words: LoadWords): Fault {
  const { postings, debit_account: from } = record.values;
  const column = postings === undefined || field === 'created_at' ? columns[field] : 'postings';
  if (code !== 'insufficient_funds') return { column, reason: detail };
  const group = (typeof from === 'string' && parseAddress(from)?.groupType) || 'GROUP';
  const advice = `Accounts that may go below zero are created so with ${words.allowNegative(group)}; one that exists keeps its min_balance until that is changed.`;
  return { column, reason: `${detail} ${advice}` };
}
