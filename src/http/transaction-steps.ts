import { type Static, Type } from 'typebox';
import type { App } from './app-type.ts';
import type { HttpHouse } from './house.ts';
import { problems } from './openapi.ts';
import { findLedger, LedgerName, TransactionId } from './parameters.ts';
import { keyHeaders, type PostOne, postedAnswers } from './post-one.ts';
import { type Fault, RequestError } from './problem.ts';
import { Amount, DryRun, describing, gatherInto, readAmount, toDescription } from './transaction-request.ts';
import { bodyFault } from './validation.ts';

const PART = 'a whole number of minor units, 0 to leave the posting out';

const SettleBody = Type.Object(
  {
    amount: Type.Optional(Amount),
    amounts: Type.Optional(
      Type.Array(
        Type.Union(
          [
            Type.String({ pattern: '^(0|[1-9][0-9]{0,18})$' }),
            Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
          ],
          { description: PART },
        ),
        {
          title: 'one for each posting of the reservation',
          minItems: 1,
          maxItems: 100,
          description: 'a list of 1 to 100 amounts',
        },
      ),
    ),
    dry_run: DryRun,
  },
  {
    additionalProperties: false,
    description: 'a JSON object; without amounts the reservation is settled whole',
  },
);

const VoidBody = Type.Object(
  { dry_run: DryRun },
  { additionalProperties: false, description: 'a JSON object of no more than dry_run' },
);

const ReverseBody = Type.Object(
  { ...describing, dry_run: DryRun },
  {
    additionalProperties: false,
    description: 'a JSON object; what is left out is taken from the transaction that is reversed',
  },
);

const step = {
  tags: ['transactions'],
  params: Type.Object({ ledger: LedgerName, id: TransactionId }),
  headers: keyHeaders,
};
const refusals = problems(400, 404, 409, 413, 415, 422);

const settle = {
  ...step,
  operationId: 'settleReservation',
  summary: 'Settle a reservation',
  description:
    'Books what a PENDING transaction reserved, or a smaller amount; the rest is freed. The transaction that is booked names the reservation.',
  body: SettleBody,
  response: { ...postedAnswers, ...refusals },
};

const cancel = {
  ...step,
  operationId: 'voidReservation',
  summary: 'Void a reservation',
  description: 'Frees what a PENDING transaction reserved.',
  body: VoidBody,
  response: {
    200: { ...postedAnswers[200], description: 'The reservation as it is, or with `dry_run` would be.' },
    ...refusals,
  },
};

const reverse = {
  ...step,
  operationId: 'reverseTransaction',
  summary: 'Reverse a transaction',
  description:
    'Books the opposite of a transaction now, once; the new transaction names the old one, whose quarter may be closed.',
  body: ReverseBody,
  response: { ...postedAnswers, ...refusals },
};

const options = { role: 'writer', emptyBody: true } as const;

/** What is done to a transaction or a reservation that exists. One key cannot serve two of these, nor two transactions. */
export function transactionStepRoutes(app: App, house: HttpHouse, postOne: PostOne): void {
  app.post(
    '/v1/ledgers/:ledger/transactions/:id/settle',
    { schema: settle, config: options },
    async (request, reply) => {
      const id = request.params.id.toLowerCase();
      const amounts = readAmounts(request.body);
      return postOne(request, reply, {
        ledger: await findLedger(house, request.params.ledger),
        wanted: { settle: id, amounts },
        meaning: () => ({ settle: id, amounts }),
        dryRun: request.body.dry_run,
        status: 201,
      });
    },
  );

  app.post(
    '/v1/ledgers/:ledger/transactions/:id/void',
    { schema: cancel, config: options },
    async (request, reply) => {
      const id = request.params.id.toLowerCase();
      return postOne(request, reply, {
        ledger: await findLedger(house, request.params.ledger),
        wanted: { void: id },
        meaning: () => ({ void: id }),
        dryRun: request.body.dry_run,
        status: 200,
      });
    },
  );

  app.post(
    '/v1/ledgers/:ledger/transactions/:id/reverse',
    { schema: reverse, config: options },
    async (request, reply) => {
      const id = request.params.id.toLowerCase();
      const { dry_run: dryRun, ...described } = request.body;
      const faults: Fault[] = [];
      const wanted = { reverse: id, ...toDescription(described, house.calendar, gatherInto(faults)) };
      if (faults.length > 0) throw new RequestError('invalid_request', faults);
      return postOne(request, reply, {
        ledger: await findLedger(house, request.params.ledger),
        wanted,
        meaning: () => ({ reverse: id, ...described }),
        dryRun,
        status: 201,
      });
    },
  );
}

function readAmounts({ amount, amounts }: Static<typeof SettleBody>): bigint[] | undefined {
  const faults: Fault[] = [];
  if (amount !== undefined && amounts !== undefined) {
    faults.push(bodyFault('/amount', 'must be left out where amounts are given'));
  }
  const at = (index: number) => (amounts === undefined ? '/amount' : `/amounts/${index}`);
  const read = (amounts ?? (amount === undefined ? undefined : [amount]))?.map((given, index) => {
    const minor = readAmount(given);
    if (minor === undefined) faults.push(bodyFault(at(index), `must be ${PART}`));
    return minor ?? 0n;
  });
  if (faults.length > 0) throw new RequestError('invalid_request', faults);
  return read;
}
