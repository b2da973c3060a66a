import fc from 'fast-check';

/** Texts that somebody once did not expect. */
export const hostileText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '',
    '\0',
    '\ud800',
    '../..',
    "'; DROP TABLE ledger.entries;--",
    '__proto__',
    'constructor',
    'NaN',
  ),
);

/** Values that JSON has, and where they begin to hurt. */
export const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  hostileText,
  fc.constantFrom<unknown>(
    -1,
    1.5,
    2 ** 53,
    1e308,
    '9223372036854775807',
    '9223372036854775808',
    '-9223372036854775808',
    '0',
    '007',
    '2026-02-30T00:00:00Z',
    '9999-12-31T23:59:59-15:59',
    {},
    [],
    [[]],
    null,
  ),
);

export const account = fc.constantFrom(
  'alice:WALLET',
  'alice:WALLET',
  'bob:WALLET',
  'nobody:WALLET',
  '1',
  '2',
  '99',
);
export const id = fc.constantFrom(
  '0199d5d0-0000-7000-8000-000000000000',
  '00000000-0000-0000-0000-000000000000',
  'FFFFFFFF-FFFF-7FFF-BFFF-FFFFFFFFFFFF',
);
const amount = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }).map(String));
export const text = fc.string({ unit: 'grapheme' }).map((some) => some.replace(/\p{Cc}/gu, ''));
export const instant = fc.constantFrom(
  '2026-01-01T00:00:00Z',
  '2030-01-01T00:00:00+01:00',
  '0001-01-01T00:00:00Z',
);
export const day = fc.constantFrom(
  '2026-01-01',
  '2026-03-29',
  '2025-12-31',
  '2026-02-30',
  '0001-01-01',
  '9999-12-31',
);

const posting = fc.record({
  from: fc.constantFrom('alice:WALLET', 'alice:WALLET', 'alice:WALLET', 'bob:WALLET', 'nobody:WALLET'),
  to: fc.constantFrom('bob:WALLET', 'bob:WALLET', 'bob:WALLET', 'alice:WALLET'),
  amount: fc.oneof(
    fc.integer({ min: 1, max: 100 }),
    fc.integer({ min: 1, max: 100 }).map(String),
    fc.integer({ min: 1, max: 100 }).map(String),
    fc.bigInt({ min: 1n, max: 2n ** 63n }).map(String),
  ),
  currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'EUR', 'USD'),
});

const describing = {
  user_id: text,
  reference_code: text,
  description: text,
  effective_at: fc
    .date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') })
    .map((date) => date.toISOString()),
  metadata: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.array(fc.constant(null)))),
};

export const transaction = fc.record(
  {
    postings: fc.array(posting, { minLength: 1, maxLength: 2 }),
    status: fc.constantFrom('SUCCESS', 'FAILED', 'PENDING'),
    ...describing,
  },
  { requiredKeys: ['postings'] },
);

const dryRun = fc.boolean();
const accountBody = fc.record(
  {
    // Never those that the transactions are between: blocked, they would end all posting.
    account: fc.oneof(
      fc.constantFrom('carol:WALLET', 'dave:WALLET', 'alice:SAVINGS'),
      text.map((name) => `${name}:OTHER`),
    ),
    currency: fc.constantFrom('EUR', 'USD', 'XXX'),
    name: text,
    status: fc.constantFrom('ACTIVE', 'ACTIVE', 'BLOCKED'),
    min_balance: fc.constantFrom<unknown>(null, 0, '0', '-5', '9223372036854775807', '-9223372036854775808'),
    phones: fc.array(
      fc.record({ country_code: fc.constantFrom('+49', '+1'), phone_number: fc.constantFrom('1', '15') }),
    ),
  },
  { requiredKeys: ['account', 'currency'] },
);

const reason = fc.oneof(fc.constant('audit of 2026'), text);
const verbBody = (more: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ reason, dry_run: dryRun, ...more }, { requiredKeys: [] });
const until = fc.oneof(instant, day);
const into = fc.constantFrom('audit', 'a_1', 'Audit', '');

/** What a good body looks like, by the end of the path. */
export const bodies: Record<string, fc.Arbitrary<unknown>> = {
  session: fc.record({ key: fc.constantFrom('qm_key', 'a.b.c', '') }),
  transactions: transaction,
  'transactions/batch': fc.record(
    {
      transactions: fc.array(transaction, { minLength: 1, maxLength: 4 }),
      atomic: fc.boolean(),
      dry_run: dryRun,
    },
    { requiredKeys: ['transactions'] },
  ),
  settle: fc.oneof(
    fc.constant({}),
    fc.record({ amount, dry_run: dryRun }),
    fc.record({ amounts: fc.array(amount), dry_run: dryRun }),
  ),
  void: fc.record({ dry_run: dryRun }, { requiredKeys: [] }),
  reverse: fc.record({ ...describing, dry_run: dryRun }, { requiredKeys: [] }),
  accounts: accountBody,
  'accounts/batch': fc.record({ accounts: fc.array(accountBody, { minLength: 1, maxLength: 4 }) }),
  ...Object.fromEntries(
    ['create', 'close', 'reopen', 'approve', 'archive', 'verify', 'detach', 'hold', 'unhold'].map((verb) => [
      verb,
      verbBody(),
    ]),
  ),
  drop: verbBody({ confirm: fc.constantFrom('2026q1', '2026q1', '2026q2') }),
  restore: verbBody({ until, into }),
  release: verbBody({ into }),
  ledgers: fc.record({ name: fc.constantFrom('main', 'second') }),
};
