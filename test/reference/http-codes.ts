/** Codes that any route with a key may answer with; the page tells of them once. */
export const ofAll = {
  400: ['invalid_request'],
  401: ['missing_token', 'invalid_token'],
  403: ['forbidden'],
  500: ['internal'],
  503: ['database_unavailable', 'starting', 'stopping'],
} as const;

/** Codes of every route that has a body besides. */
export const ofBodies = [
  'invalid_json',
  'inexact_number',
  'body_too_complex',
  'body_too_large',
  'unsupported_media_type',
];

const posted = [
  'no_such_ledger',
  'account_not_found',
  'account_not_active',
  'currency_mismatch',
  'insufficient_funds',
  'balance_overflow',
  'overloaded',
];
const keyed = ['invalid_idempotency_key', 'idempotency_key_in_flight', 'idempotency_key_reused'];
const reserved = ['reservation_not_found', 'reservation_not_pending', 'reservation_expired'];
const listed = ['no_such_ledger', 'cursor_invalid', 'read_too_slow'];
const verb = ['invalid_quarter', 'no_such_quarter', 'quarter_state', 'quarter_busy'];

/** The codes that are of a route in particular, in the order in which one meets them. */
export const codes: Readonly<Record<string, readonly string[]>> = {
  postTransaction: [
    ...keyed,
    ...posted,
    'amount_invalid',
    'same_account',
    'unknown_currency',
    'expires_in_the_past',
  ],
  postTransactions: [...posted, 'batch_refused', 'idempotency_key_reused'],
  settleReservation: [...keyed, 'no_such_ledger', ...reserved, 'amounts_invalid'],
  voidReservation: [...keyed, 'no_such_ledger', ...reserved],
  reverseTransaction: [
    ...keyed,
    'transaction_not_found',
    'already_reversed',
    'nothing_to_reverse',
    'insufficient_funds',
    'no_such_ledger',
  ],
  getTransaction: ['no_such_ledger', 'transaction_not_found'],
  listTransactions: listed,
  listQuarterTransactions: [...listed, 'no_such_quarter', 'not_archived'],
  searchAccounts: ['no_such_ledger', 'too_many_accounts'],
  createAccount: ['no_such_ledger', 'unknown_currency', 'account_exists'],
  changeAccounts: ['no_such_ledger'],
  getAccount: ['no_such_ledger', 'account_not_found', 'currency_required'],
  getBalance: [
    'no_such_ledger',
    'account_not_found',
    'currency_required',
    'quarter_not_online',
    'in_the_future',
  ],
  getStatement: [...listed, 'account_not_found', 'currency_required', 'quarter_not_online'],
  getDailySummary: ['no_such_ledger'],
  getGroupSummary: ['no_such_ledger'],
  runLoad: [
    ...[
      'no_such_ledger',
      'bad_header',
      'bad_csv',
      'bad_row',
      'source_cut_off',
      'load_differs',
      'load_options_differ',
    ],
    ...['load_running', 'loads_busy', 'no_worker'],
  ],
  getLoad: ['no_such_ledger', 'load_not_found'],
  createLedger: [],
  getQuarter: ['no_such_quarter'],
  createQuarter: [...verb, 'before_oldest', 'range_occupied'],
  closeQuarter: [
    ...verb,
    'earlier_quarter_open',
    'earlier_quarter_stale',
    'summaries_outstanding',
    'close_check_failed',
  ],
  reopenQuarter: [...verb, 'reason_missing', 'later_quarter_archived'],
  approveQuarter: [...verb, 'nothing_to_approve', 'own_request'],
  archiveQuarter: [...verb, 'quarter_stale', 'approval_required', 'archive_exists', 'store_failed'],
  verifyQuarter: [...verb, 'archive_damaged', 'store_failed'],
  detachQuarter: [...verb, 'quarter_held', 'not_verified'],
  dropQuarter: [...verb, 'reason_missing', 'approval_required', 'quarter_held', 'archive_damaged'],
  restoreQuarter: [
    ...verb,
    'reason_missing',
    'invalid_until',
    'invalid_schema',
    'archive_damaged',
    'columns_differ',
  ],
  releaseQuarter: [...verb, 'quarter_held'],
  holdQuarter: [...verb, 'reason_missing'],
  unholdQuarter: verb,
  getTrialBalance: ['no_such_quarter', 'no_such_ledger', 'quarter_state', 'balances_busy', 'read_too_slow'],
  downloadTrialBalance: ['no_such_quarter', 'no_such_ledger', 'quarter_state', 'trial_balance_changed'],
  listTrialBalanceAccounts: [
    'no_such_quarter',
    'no_such_ledger',
    'quarter_state',
    'trial_balance_changed',
    'balances_busy',
    'read_too_slow',
  ],
  getJob: ['job_not_found'],
  retryJob: ['job_not_found'],
  runQueue: ['no_such_queue', 'queue_unscheduled'],
  listEvents: ['cursor_invalid', 'events_busy', 'read_too_slow'],
  signIn: ['invalid_token', 'cross_site', 'too_many_attempts', 'too_many_sign_ins'],
  signOut: ['csrf_token_missing', 'csrf_token_wrong', 'cross_site'],
};
