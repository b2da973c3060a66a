import { Type } from 'typebox';
import { AppError } from '../core/errors.ts';
import type { Ledger } from '../ledger/ledgers.ts';
import type { HttpHouse } from './house.ts';

// Descriptions end sentences that begin with "must be": they are the text of the errors too.

/** RFC 3339, section 5.6, in upper case. What is finer than a millisecond is taken, and cut off. */
export const RFC3339 = '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$';

export const WHEN = 'a date and time as 2026-03-31T23:59:59Z (a + is written %2B), or a day as 2026-03-31';

export const ADDRESS = 'an account, as user-123:WALLET';

export const LedgerName = Type.String({
  pattern: '^[a-z0-9][a-z0-9_-]{0,62}$',
  description: 'the name of a ledger: up to 63 lower-case letters, digits, - and _',
});

export const TransactionId = Type.String({
  format: 'uuid',
  pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
  description: 'the id of a transaction, which is a UUID',
});

export const ACCOUNT = 'the id of an account, or its address as user-123:WALLET';

export const AccountName = Type.String({
  title: 'its id, or its address percent-encoded',
  description: ACCOUNT,
});

export const Currency = Type.String({
  pattern: '^[A-Z][A-Z0-9]{2,11}$',
  description: 'a currency code in upper case, as EUR',
  examples: ['EUR'],
});

/** A point in time of a query. A day is its start in the ledger's zone. */
export const When = (title: string) => Type.String({ title, minLength: 1, description: WHEN });

export const A_DAY = 'a day there was, as 2026-03-31';

export const DayText = (title: string) =>
  Type.String({ title, pattern: '^\\d{4}-\\d\\d-\\d\\d$', description: A_DAY });

export const SearchText = (title: string, longest: number) =>
  Type.String({
    title,
    minLength: 1,
    maxLength: longest,
    description: `a text of 1 to ${longest} characters`,
  });

/** Of a request that says everything in its path. */
export const NoBody = Type.Object(
  {},
  { additionalProperties: false, description: 'an empty JSON object, which may be left out' },
);

/** @throws AppError not_found/no_such_ledger */
export async function findLedger({ ledgers }: HttpHouse, name: string): Promise<Ledger> {
  const found = await ledgers.find(name);
  if (found) return found;
  throw new AppError('not_found', 'no_such_ledger', `There is no ledger ${name}.`);
}
