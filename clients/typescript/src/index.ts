export { type Amount, AmountError, fromMinor, minorOf, toMinor } from './amounts.ts';
export { type Client, type ClientOptions, createClient } from './client.ts';
export { type Fault, type Problem, QuartermasterError } from './error.ts';
export { type AmountFormat, formatAmount, type LocaleFormat } from './format-amount.ts';
export { type Job, JobFailedError, type WaitForJob, type WaitOptions } from './jobs.ts';
export type { CallOptions, ReadOptions } from './options.ts';
export type { Paged } from './pages.ts';
export type {
  Quarter,
  QuarterDetail,
  Quarters,
  QuarterVerb,
  VerbAnswer,
  VerbPreview,
  VerbRequest,
} from './quarters.ts';
export type { RetryChange, RetryOptions } from './retry.ts';
export type { components, operations, paths } from './schema.ts';
export type { StatementLine, StatementRange, Statements } from './statements.ts';
export type {
  BatchItem,
  BatchOptions,
  BatchResult,
  ListedTransaction,
  ListFilters,
  Posted,
  PostedBatch,
  Posting,
  ReverseRequest,
  SettleRequest,
  Transaction,
  TransactionPage,
  TransactionRequest,
  Transactions,
  WriteOptions,
} from './transaction-types.ts';
