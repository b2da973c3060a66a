import { type Static, Type } from 'typebox';
import { metadataFault, parseAddress, textFault } from '../core/account.ts';
import { parseMinor } from '../core/money.ts';
import { MAX_POSTINGS } from '../core/posting.ts';
import type { Calendar } from '../core/quarter.ts';
import type { PostRequest } from '../ledger/request.ts';
import type { TransactionView } from '../ledger/transactions.ts';
import { type Fault, RequestError } from './problem.ts';
import { bodyFault, MAX_FAULTS } from './validation.ts';

const AMOUNT =
  'a whole number of minor units above 0: a string of digits, up to 10000000000000000, or a number up to 9007199254740991';
const ADDRESS = 'an account, as user-123:WALLET';
const INSTANT = 'a date and time as RFC 3339 has it, as 2026-03-31T23:59:59Z';

/** RFC 3339, section 5.6, in upper case. What is finer than a millisecond is taken, and cut off. */
const RFC3339 = '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$';

const Amount = Type.Union(
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
    currency: Type.String({
      pattern: '^[A-Z][A-Z0-9]{2,11}$',
      description: 'a currency code in upper case, as EUR',
      examples: ['EUR'],
    }),
  },
  { additionalProperties: false, description: 'an object of from, to, amount and currency' },
);

const text = (title: string, longest: number) =>
  Type.String({ title, maxLength: longest, description: `a text of up to ${longest} characters` });

/** The body of POST …/transactions. */
export const TransactionRequest = Type.Object(
  {
    postings: Type.Array(Posting, {
      minItems: 1,
      maxItems: MAX_POSTINGS,
      description: `a list of 1 to ${MAX_POSTINGS} postings, which are booked together or not at all`,
    }),
    user_id: Type.Optional(text('whose transaction it is', 128)),
    status: Type.Optional(
      Type.Enum(['SUCCESS', 'FAILED'], {
        description: 'SUCCESS (taken when it is left out) or FAILED (recorded, and moves no money)',
      }),
    ),
    reference_code: Type.Optional(text('what others call it', 200)),
    description: Type.Optional(text('what it is for', 2000)),
    effective_at: Type.Optional(
      Type.String({
        format: 'date-time',
        pattern: RFC3339,
        title: 'when it truly happened, where that is not when it is booked; taken to the millisecond',
        description: INSTANT,
      }),
    ),
    metadata: Type.Optional(
      Type.Unsafe<Record<string, unknown>>({
        type: 'object',
        description: 'a JSON object of at most 16 KiB and 32 levels',
      }),
    ),
  },
  { additionalProperties: false, description: 'a JSON object with at least postings' },
);
export type TransactionRequest = Static<typeof TransactionRequest>;

const Money = (description: string) => Type.String({ pattern: '^-?\\d+$', description });
const NullableText = Type.Union([Type.String(), Type.Null()]);
const Instant = Type.String({ format: 'date-time' });

/** A transaction as it is answered. Amounts are strings, for a JSON number holds no 64 bits. */
export const TransactionAnswer = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    ledger: Type.String(),
    created_at: Instant,
    user_id: NullableText,
    status: Type.Enum(['SUCCESS', 'FAILED']),
    currency: Type.String({ description: 'of the first posting' }),
    amount: Money('the sum of the postings in that currency, in minor units'),
    reference_code: NullableText,
    description: NullableText,
    effective_at: Type.Union([Instant, Type.Null()]),
    metadata: Type.Unsafe<Record<string, unknown> | null>({ type: ['object', 'null'] }),
    entries: Type.Array(
      Type.Object(
        {
          account: Type.String(),
          currency: Type.String(),
          amount: Money('in minor units; negative where money left the account'),
          balance_after: Money('the balance this entry left, in minor units'),
          version: Type.Integer({ description: "counts the account's entries, from 1" }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { $id: 'Transaction', additionalProperties: false, description: 'A booked or recorded transaction.' },
);
export type TransactionAnswer = Static<typeof TransactionAnswer>;

/**
 * A valid body as the ledger takes it. What JSON Schema cannot say is checked here.
 *
 * @throws RequestError invalid/invalid_request
 */
export function toPostRequest(body: TransactionRequest, calendar: Calendar): PostRequest {
  const faults: Fault[] = [];
  const fault = (pointer: string, detail: string) => {
    if (faults.length < MAX_FAULTS) faults.push(bodyFault(pointer, detail));
  };
  const postings = body.postings.map(({ from, to, amount, currency }, index) => {
    const minor = parseMinor(String(amount));
    if (minor === undefined) fault(`/postings/${index}/amount`, `must be ${AMOUNT}`);
    if (parseAddress(from) === undefined) fault(`/postings/${index}/from`, `must be ${ADDRESS}`);
    if (parseAddress(to) === undefined) fault(`/postings/${index}/to`, `must be ${ADDRESS}`);
    return { from, to, amount: minor ?? 0n, currency };
  });
  for (const name of ['user_id', 'reference_code', 'description'] as const) {
    const wrong = textFault(name, body[name] ?? '');
    if (wrong !== undefined) fault(`/${name}`, wrong);
  }
  const wrong = body.metadata === undefined ? undefined : metadataFault(body.metadata);
  if (wrong !== undefined) fault('/metadata', wrong);
  const effectiveAt = body.effective_at === undefined ? undefined : calendar.parseInstant(body.effective_at);
  if (body.effective_at !== undefined && effectiveAt === undefined) {
    fault('/effective_at', `must be ${INSTANT}, and a day there was`);
  }
  if (faults.length > 0) throw new RequestError('invalid_request', faults);
  return {
    postings,
    ...(body.user_id === undefined ? {} : { userId: body.user_id }),
    ...(body.status === undefined ? {} : { status: body.status }),
    ...(body.reference_code === undefined ? {} : { referenceCode: body.reference_code }),
    ...(body.description === undefined ? {} : { description: body.description }),
    ...(effectiveAt === undefined ? {} : { effectiveAt }),
    ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
  };
}

/** The body as it is fingerprinted: an amount is the same sent as a number or as a string. */
export function withTextAmounts(body: TransactionRequest): TransactionRequest {
  return {
    ...body,
    postings: body.postings.map((posting) => ({ ...posting, amount: String(posting.amount) })),
  };
}

export function toAnswer(ledger: string, view: TransactionView): TransactionAnswer {
  return {
    id: view.id,
    ledger,
    created_at: view.createdAt.toISOString(),
    user_id: view.userId === '' ? null : view.userId,
    status: view.status,
    currency: view.currency,
    amount: String(view.amount),
    reference_code: view.referenceCode ?? null,
    description: view.description ?? null,
    effective_at: view.effectiveAt?.toISOString() ?? null,
    metadata: view.metadata ?? null,
    entries: view.entries.map((entry) => ({
      account: entry.account,
      currency: entry.currency,
      amount: String(entry.amount),
      balance_after: String(entry.balanceAfter),
      version: Number(entry.version),
    })),
  };
}
