import { type Static, Type } from 'typebox';
import { MAX_TEXT, metadataFault, parseAddress, textFault } from '../core/account.ts';
import { parseMinor } from '../core/money.ts';
import { MAX_POSTINGS } from '../core/posting.ts';
import type { Calendar } from '../core/quarter.ts';
import type { Description, TransactionRequest as LedgerRequest } from '../ledger/request.ts';
import { ADDRESS, Currency, RFC3339 } from './parameters.ts';
import type { Fault } from './problem.ts';
import { bodyFault } from './validation.ts';

const AMOUNT =
  'a whole number of minor units above 0: a string of digits, up to 10000000000000000, or a number up to 9007199254740991';
const INSTANT = 'a date and time as RFC 3339 has it, as 2026-03-31T23:59:59Z';

export const Amount = Type.Union(
  [
    Type.String({ pattern: '^[1-9][0-9]{0,18}$' }),
    Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  ],
  { description: AMOUNT, examples: ['1250'] },
);

// Descriptions end sentences that begin with "must be": they are the text of the errors too.
const Posting = Type.Object(
  {
    from: Type.String({
      title: 'where the money leaves',
      description: ADDRESS,
      examples: ['user-123:WALLET'],
    }),
    to: Type.String({ title: 'where it arrives', description: ADDRESS, examples: ['shop-9:WALLET'] }),
    amount: Amount,
    currency: Currency,
  },
  { additionalProperties: false, description: 'an object of from, to, amount and currency' },
);

const text = (title: string, field: keyof typeof MAX_TEXT) =>
  Type.String({
    title,
    maxLength: MAX_TEXT[field],
    description: `a text of up to ${MAX_TEXT[field]} characters`,
  });

const instant = (title: string) =>
  Type.String({ format: 'date-time', pattern: RFC3339, title, description: INSTANT });

export const DryRun = Type.Optional(
  Type.Boolean({ title: 'to be told what would happen, and nothing is done', description: 'true or false' }),
);

/** What describes a transaction, whoever makes it. */
export const describing = {
  user_id: Type.Optional(text('whose transaction it is', 'user_id')),
  reference_code: Type.Optional(text('what others call it', 'reference_code')),
  description: Type.Optional(text('what it is for', 'description')),
  effective_at: Type.Optional(
    instant('when it truly happened, where that is not when it is booked; taken to the millisecond'),
  ),
  metadata: Type.Optional(
    Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      description: 'a JSON object of at most 16 KiB and 32 levels',
    }),
  ),
};

/** The body of POST …/transactions. */
export const TransactionRequest = Type.Object(
  {
    postings: Type.Array(Posting, {
      minItems: 1,
      maxItems: MAX_POSTINGS,
      description: `a list of 1 to ${MAX_POSTINGS} postings, which are booked together or not at all`,
    }),
    status: Type.Optional(
      Type.Enum(['SUCCESS', 'PENDING', 'FAILED'], {
        description:
          'SUCCESS (taken when it is left out), PENDING (its funds are reserved until it is settled or voided) or FAILED (recorded, and moves no money)',
      }),
    ),
    expires_at: Type.Optional(instant('of a PENDING one: when its funds are freed by themselves')),
    ...describing,
    dry_run: DryRun,
  },
  { additionalProperties: false, description: 'a JSON object with at least postings' },
);
export type TransactionRequest = Static<typeof TransactionRequest>;

/** What all bodies that describe a transaction have. */
type Describing = Pick<
  TransactionRequest,
  'user_id' | 'reference_code' | 'description' | 'effective_at' | 'metadata'
>;

/** Where faults of a body are gathered. `at` is a JSON pointer. */
export type TellFault = (at: string, detail: string) => void;

/** Gathers faults of the part of a body that `at` leads to. */
export function gatherInto(faults: Fault[], at = ''): TellFault {
  return (pointer, detail) => {
    faults.push(bodyFault(at + pointer, detail));
  };
}

/** A body that fits its schema, as the ledger takes it. What JSON Schema cannot say is checked here. */
export function toLedgerRequest(
  body: TransactionRequest,
  calendar: Calendar,
  fault: TellFault,
): LedgerRequest {
  const postings = body.postings.map(({ from, to, amount, currency }, index) => {
    const minor = readAmount(amount);
    if (minor === undefined) fault(`/postings/${index}/amount`, `must be ${AMOUNT}`);
    if (parseAddress(from) === undefined) fault(`/postings/${index}/from`, `must be ${ADDRESS}`);
    if (parseAddress(to) === undefined) fault(`/postings/${index}/to`, `must be ${ADDRESS}`);
    return { from, to, amount: minor ?? 0n, currency };
  });
  const { status } = body;
  const expiresAt = readInstant('/expires_at', body.expires_at, calendar, fault);
  if (expiresAt !== undefined && status !== 'PENDING') {
    fault('/expires_at', 'must be left out unless the status is PENDING');
  }
  return { postings, status, expiresAt, ...toDescription(body, calendar, fault) };
}

export function toDescription(body: Describing, calendar: Calendar, fault: TellFault): Description {
  for (const name of ['user_id', 'reference_code', 'description'] as const) {
    const given = body[name];
    const wrong = given === undefined ? undefined : textFault(name, given);
    if (wrong !== undefined) fault(`/${name}`, wrong);
  }
  const wrong = body.metadata === undefined ? undefined : metadataFault(body.metadata);
  if (wrong !== undefined) fault('/metadata', wrong);
  return {
    userId: body.user_id,
    referenceCode: body.reference_code,
    description: body.description,
    effectiveAt: readInstant('/effective_at', body.effective_at, calendar, fault),
    metadata: body.metadata,
  };
}

/** Undefined where it does not fit 64 bits. */
export function readAmount(amount: string | number): bigint | undefined {
  return typeof amount === 'number' ? BigInt(amount) : parseMinor(amount);
}

function readInstant(
  at: string,
  text: string | undefined,
  calendar: Calendar,
  fault: TellFault,
): Date | undefined {
  if (text === undefined) return undefined;
  const found = calendar.parseInstant(text);
  if (found === undefined) fault(at, `must be ${INSTANT}, and a day there was`);
  return found;
}

/** What a body is fingerprinted by: an amount is the same sent as a number or as a string, and what only asks is not in it. */
export function meaningOf({ dry_run: _, ...body }: TransactionRequest): object {
  return {
    ...body,
    postings: body.postings.map((posting) => ({ ...posting, amount: String(posting.amount) })),
  };
}
