import type { FastifyInstance } from 'fastify';
import type { Identity } from '../core/access.ts';
import type { QuarterNote, QuarterVerb } from '../core/lifecycle.ts';
import type { Calendar } from '../core/quarter.ts';
import type { AccountChange, AccountResult, AccountSearch, AccountView } from '../ledger/account-list.ts';
import type { BalanceQuery, BalanceView } from '../ledger/balance.ts';
import type { Posted } from '../ledger/batcher.ts';
import type { ClosingBalance, ClosingBalanceQuery } from '../ledger/closing-balance.ts';
import type { Ledger } from '../ledger/ledgers.ts';
import type { TransactionList, TransactionPage } from '../ledger/list.ts';
import type { TransactionFilter } from '../ledger/list-filter.ts';
import type { TransactionRow } from '../ledger/list-rows.ts';
import type { LoadOptions, LoadReport } from '../ledger/load.ts';
import type { LoadView } from '../ledger/load-progress.ts';
import type { PostRequest } from '../ledger/request.ts';
import type { Statement, StatementQuery } from '../ledger/statement.ts';
import type { TransactionView } from '../ledger/transaction-view.ts';
import type { Logger } from '../platform/logger.ts';
import type { MetricsPage } from '../platform/metrics.ts';
import type { ReadinessCheck } from '../platform/readiness.ts';
import type { EventsPage, EventsQuery } from '../quarters/events.ts';
import type { QuarterListing } from '../quarters/list.ts';
import type { Outlook } from '../quarters/outlook.ts';
import type { QuarterDetail } from '../quarters/show.ts';
import type { AccountsQuery, TrialBalanceAccounts } from '../quarters/trial-balance-accounts.ts';
import type { TrialBalanceOptions, TrialBalanceTotal } from '../quarters/trial-balance-report.ts';
import type { JobFilter, QuarterJob } from '../queue/quarter-jobs.ts';
import type { GroupQuery, GroupReport } from '../summaries/groups.ts';
import type { SummaryLag } from '../summaries/lag.ts';
import type { DailyQuery, DailyReport } from '../summaries/report.ts';
import type { Operation } from './operation-json.ts';
import type { RequestMeter } from './request-meter.ts';
import type { Sessions } from './sessions.ts';
import type { Attempts } from './sign-in-attempts.ts';

/** One page of what the archive of a quarter holds of a ledger. */
export interface ArchivedList extends Omit<TransactionFilter, 'status'> {
  readonly status?: 'SUCCESS' | 'FAILED' | undefined;
  /** 1 to 1000. */
  readonly limit: number;
  /** As the page before gave it. */
  readonly cursor?: string | undefined;
}

/** Something that somebody wants done to a quarter. */
export interface QuarterRequest {
  readonly verb: QuarterVerb | QuarterNote;
  readonly quarter: string;
  /** The name of who asks. */
  readonly actor: string;
  readonly reason?: string | undefined;
  readonly until?: Date | undefined;
  readonly into?: string | undefined;
}

/** It is done, now or before (then there is no report), or a worker will do it. */
export type QuarterAnswer =
  | { readonly done: true; readonly report: object | undefined }
  | { readonly done: false; readonly job: QuarterJob };

/** What comes next in the life of a quarter by itself: from when on, and what keeps it from being done. */
export interface QuarterNext {
  readonly verb: string;
  readonly at: Date;
  readonly withheld?: string;
}

/** What the HTTP face works with. Functions are injected, so the face knows of no database and a test can hold any of them. */
export interface HttpHouse {
  readonly version: string;
  readonly logger: Logger;
  readonly checks: readonly ReadinessCheck[];
  /** Told of each look at the checks whether all was well. */
  readonly onReadiness?: (isReady: boolean) => void;
  /** True while the process waits for its database: nothing of the ledger is served yet. */
  readonly isStarting?: () => boolean;
  /** What `/metrics` shows; without it there is no such page. */
  readonly metrics?: MetricsPage;
  /** Adds the page for people; without it there is none. */
  readonly console?: (app: FastifyInstance) => void;
  /** Told of each request. */
  readonly requests?: RequestMeter;
  /** Of the ledger's zone: a day in a query begins where it begins there. */
  readonly calendar: Calendar;
  /** Who brings this bearer token. @throws AppError unauthenticated/invalid_token */
  authenticate(token: string): Promise<Identity>;
  /** Who is signed in to the page; without them nobody can be. */
  readonly sessions?: Sessions;
  /** How many wrong keys an address may try to sign in with. */
  readonly signInAttempts?: Attempts;
  /** Addresses and networks of proxies that are believed whom they ask for; this machine where it is left out. */
  readonly trustedProxies?: readonly string[];
  readonly ledgers: {
    find(name: string): Promise<Ledger | undefined>;
    list(): Promise<readonly Ledger[]>;
    create(name: string): Promise<Ledger>;
    /** Decimals by the code of a currency. */
    currencies(): Promise<ReadonlyMap<string, number>>;
  };
  /**
   * Posts requests, together with those of others: a refusal is a result, anything else that goes wrong is thrown. `atomic`:
   * all of them stand or none.
   */
  post(ledgerId: number, requests: readonly PostRequest[], options: { atomic: boolean }): Promise<Posted>;
  /** What would become of them now; nothing is written. */
  preview(ledgerId: number, requests: readonly PostRequest[], options: { atomic: boolean }): Promise<Posted>;
  /** A transaction or a reservation, read where a write is visible at once. */
  readTransaction(ledgerId: number, id: string): Promise<TransactionView | undefined>;
  /** The transaction that reversed it; undefined while none has. */
  readReversal(ledgerId: number, id: string): Promise<string | undefined>;
  /** `position`: the reader has seen the ledger as it was there, and must not see an older one. */
  listTransactions(ledgerId: number, query: TransactionList, position?: string): Promise<TransactionPage>;
  /**
   * The same from the archive of a quarter, by time and id.
   *
   * @throws AppError not_found/no_such_quarter, conflict/not_archived, busy/read_too_slow and what the list throws
   */
  listArchived(
    quarter: string,
    ledgerId: number,
    query: ArchivedList,
    signal: AbortSignal,
  ): Promise<Pick<TransactionPage, 'next'> & { readonly transactions: readonly TransactionRow[] }>;
  readonly accounts: {
    /** By its id or its address. */
    find(ledgerId: number, account: string, currency?: string): Promise<AccountView>;
    search(ledgerId: number, query: AccountSearch): Promise<readonly AccountView[]>;
    create(ledgerId: number, account: AccountChange): Promise<AccountView>;
    change(ledgerId: number, accounts: readonly AccountChange[]): Promise<readonly AccountResult[]>;
  };
  readBalance(ledgerId: number, query: BalanceQuery): Promise<BalanceView>;
  readClosingBalance(ledgerId: number, query: ClosingBalanceQuery): Promise<ClosingBalance>;
  readStatement(ledgerId: number, query: StatementQuery, position?: string): Promise<Statement>;
  /** How far the summaries of each ledger are behind. */
  readSummaryLag(): Promise<SummaryLag>;
  readDaily(ledgerId: number, query: DailyQuery, position?: string): Promise<DailyReport>;
  readGroups(ledgerId: number, query: GroupQuery, position?: string): Promise<GroupReport>;
  readonly loads: {
    run(options: LoadOptions): Promise<LoadReport>;
    find(ledgerId: number, id: string): Promise<LoadView | undefined>;
  };
  readonly quarters: {
    list(): Promise<readonly QuarterListing[]>;
    show(quarter: string): Promise<QuarterDetail>;
    next(quarter: string): Promise<QuarterNext | undefined>;
    /** What comes next of all of them, by their names. */
    nexts(): Promise<ReadonlyMap<string, QuarterNext>>;
    /** What the request would find and do; nothing is changed. */
    preview(request: QuarterRequest): Promise<Outlook>;
    /** Does what is short, and has a worker do what is long. */
    ask(request: QuarterRequest): Promise<QuarterAnswer>;
    /** By ledger and currency. @throws AppError busy/balances_busy, busy/read_too_slow */
    trialBalance(
      quarter: string,
      options: TrialBalanceOptions,
      signal: AbortSignal,
    ): Promise<readonly TrialBalanceTotal[]>;
    /** Account by account, in pieces; what is wrong comes before the first one. */
    trialBalanceCsv(quarter: string, options: TrialBalanceOptions): AsyncIterable<string>;
    /** The first accounts in an order. @throws AppError busy/balances_busy, busy/read_too_slow */
    trialBalanceAccounts(
      quarter: string,
      query: AccountsQuery,
      signal: AbortSignal,
    ): Promise<TrialBalanceAccounts>;
    jobs(filter: JobFilter): Promise<readonly QuarterJob[]>;
    job(id: string): Promise<QuarterJob | undefined>;
    /**
     * Asks for a step that failed once more, as it was asked for, under the name of who wants it now.
     *
     * @throws AppError not_found/job_not_found, conflict/job_not_failed, conflict/job_overtaken, and the obstacles of the verb
     */
    retry(id: string, actor: string): Promise<QuarterJob>;
  };
  readonly operation: {
    /** How the house stands, a few seconds ago at most. */
    read(): Promise<Operation>;
    /** Puts a job with a schedule into its queue; false when one waits there. @throws AppError not_found/no_such_queue, conflict/queue_unscheduled */
    run(queue: string, actor: string): Promise<boolean>;
    /** @throws AppError busy/events_busy, busy/read_too_slow */
    events(query: EventsQuery, signal: AbortSignal): Promise<EventsPage>;
  };
}
