import { type Static, Type } from 'typebox';
import type { TransactionRow } from '../ledger/list-rows.ts';
import type { ReservationView, TransactionView } from '../ledger/transaction-view.ts';

export const Money = (description: string) => Type.String({ pattern: '^-?\\d+$', description });
export const Instant = (description: string) => Type.String({ format: 'date-time', description });
const NullableText = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const NullableInstant = (description: string) =>
  Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description });
const NullableId = (description: string) =>
  Type.Union([Type.String({ format: 'uuid' }), Type.Null()], { description });

const Reservation = Type.Object(
  {
    expires_at: NullableInstant('when its funds are freed by themselves'),
    resolved_at: NullableInstant('when it was settled, voided or expired'),
    transaction_id: NullableId('the transaction that settled it'),
    postings: Type.Array(
      Type.Object(
        {
          from: Type.String(),
          to: Type.String(),
          amount: Money('in minor units'),
          currency: Type.String(),
        },
        { additionalProperties: false },
      ),
      { description: 'what it holds or held' },
    ),
  },
  { additionalProperties: false },
);

const row = {
  id: Type.String({ format: 'uuid' }),
  ledger: Type.String(),
  created_at: Instant('when it was booked'),
  user_id: NullableText('whose transaction it is'),
  status: Type.Enum(['SUCCESS', 'FAILED', 'PENDING', 'SETTLED', 'VOIDED', 'EXPIRED'], {
    description: 'the last four are those of a reservation',
  }),
  currency: Type.String({ description: 'of the first posting' }),
  amount: Money('the sum of the postings in that currency, in minor units'),
  reference_code: NullableText('what others call it'),
  description: NullableText('what it is for'),
  effective_at: NullableInstant('when it truly happened, where that was given'),
  metadata: Type.Unsafe<Record<string, unknown> | null>({ type: ['object', 'null'] }),
  reverses: NullableId('the transaction whose opposite this is'),
  settles: NullableId('the reservation that this settles'),
  reservation: Type.Union([Reservation, Type.Null()], { description: 'of a reservation only' }),
};

/** A transaction in a list. */
export const ListedTransaction = Type.Object(row, {
  $id: 'ListedTransaction',
  additionalProperties: false,
  description: 'A transaction or a reservation, without its entries.',
});
export type ListedTransaction = Static<typeof ListedTransaction>;

/** A transaction as it is answered. Amounts are strings, for a JSON number holds no 64 bits. */
export const TransactionAnswer = Type.Object(
  {
    ...row,
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
    reversed_by: Type.Optional(
      Type.String({
        format: 'uuid',
        description: 'the transaction that reversed it, where one has; told where one is read by its id',
      }),
    ),
    dry_run: Type.Optional(Type.Boolean({ description: 'nothing was done: this is what would be' })),
  },
  {
    $id: 'Transaction',
    additionalProperties: false,
    description: 'A booked or recorded transaction, or a reservation.',
  },
);
export type TransactionAnswer = Static<typeof TransactionAnswer>;

/** A reference to the schema above, so that the document holds it once. */
export const transactionContent = {
  'application/json': { schema: Type.Unsafe<TransactionAnswer>({ $ref: 'Transaction#' }) },
};

export function toAnswer(ledger: string, view: TransactionView): TransactionAnswer {
  return {
    ...toListed(ledger, view),
    entries: view.entries.map((entry) => ({
      account: entry.account,
      currency: entry.currency,
      amount: String(entry.amount),
      balance_after: String(entry.balanceAfter),
      version: Number(entry.version),
    })),
  };
}

export function toListed(ledger: string, view: TransactionRow): ListedTransaction {
  return {
    id: view.id,
    ledger,
    created_at: view.createdAt.toISOString(),
    user_id: view.userId === '' ? null : view.userId,
    status: view.status,
    currency: view.currency,
    amount: String(view.amount),
    reference_code: view.referenceCode,
    description: view.description,
    effective_at: view.effectiveAt?.toISOString() ?? null,
    metadata: view.metadata,
    reverses: view.reverses,
    settles: view.settles,
    reservation: view.reservation === null ? null : toReservation(view.reservation),
  };
}

function toReservation(view: ReservationView): Static<typeof Reservation> {
  return {
    expires_at: view.expiresAt?.toISOString() ?? null,
    resolved_at: view.resolvedAt?.toISOString() ?? null,
    transaction_id: view.transactionId,
    postings: view.postings.map(({ from, to, amount, currency }) => ({
      from,
      to,
      amount: String(amount),
      currency,
    })),
  };
}
