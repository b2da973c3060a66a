import { fixedClock } from '../../src/core/clock.ts';
import { readOfflineQuarters } from '../../src/db/offline-quarters.ts';
import { searchAccounts } from '../../src/ledger/account-list.ts';
import { closedRanges } from '../../src/ledger/closed.ts';
import { findKeys } from '../../src/ledger/keys.ts';
import { findLedger } from '../../src/ledger/ledgers.ts';
import { listTransactions } from '../../src/ledger/list.ts';
import type { TransactionFilter } from '../../src/ledger/list-filter.ts';
import { countStretch, type Stretch, type Way } from '../../src/ledger/list-ways.ts';
import { dailyStatement } from '../../src/summaries/report.ts';
import type { Book } from '../ledger/fixture.ts';
import type { Case, Made } from './expected.ts';
import { BANK } from './loaded.ts';
import { reading } from './sent.ts';

/** Days that are marked, and so counted from their rows. */
function reportOf(who: { userId?: string }, days: readonly string[]) {
  return async (book: Book): Promise<Made> => {
    const live = days.map((day) => ({
      day,
      start: new Date(`${day}T00:00:00Z`),
      end: new Date('2024-12-21T00:00:00Z'),
    }));
    const query = { from: '2023-01-01', to: '2024-12-31', groupBy: 'month', ...who } as const;
    return dailyStatement(book.ledger.id, query, { live, stale: [] }).compile(book.db);
  };
}

const ever: Stretch = {
  from: '-infinity',
  at: '2024-12-31T12:00:00Z',
  tie: '00000000-0000-0000-0000-000000000000',
};

/** How many there are on all pages, counted up to ten thousand. */
function countOf(way: Way, filter: TransactionFilter, account?: number) {
  return reading('AS listed', async (book, db) => {
    const accounts =
      account === undefined ? undefined : await searchAccounts(book.db, 1, { ids: [BigInt(account)] });
    const stretch = way === 'account' ? { ...ever, tie: '0' } : ever;
    const id = account === undefined ? undefined : BigInt(account);
    await countStretch(db, way, { ledgerId: 1, filter, accounts }, stretch, 10_001, id);
  });
}

// Groups of a period may be made by sorting days, of which there are few.
const report = { seqScans: ['summary_marks'], sorted: 2000 };

/** Statements that are made in TypeScript, of those that a request waits for. */
export const builderCases: readonly Case[] = [
  {
    name: 'of a ledger',
    of: 'daily_report',
    made: reportOf({}, []),
    shape: { ...report, indexes: ['daily_totals_pkey'], buffers: 60 },
  },
  {
    name: 'of a user, from the index alone',
    of: 'daily_report',
    made: reportOf({ userId: 'user-heavy' }, []),
    shape: {
      ...report,
      indexes: ['daily_transaction_summary_user_idx'],
      indexOnly: ['daily_transaction_summary_user_idx'],
      buffers: 40,
    },
  },
  {
    name: 'of a ledger with a day that is not summed up',
    of: 'daily_report',
    made: reportOf({}, ['2024-12-20']),
    shape: {
      ...report,
      indexes: ['daily_totals_pkey', 'transactions_pkey'],
      quarters: ['2024q4'],
      buffers: 160,
      removed: 4,
    },
  },
  {
    name: 'of a user with a day that is not summed up',
    of: 'daily_report',
    made: reportOf({ userId: 'user-heavy' }, ['2024-12-20']),
    shape: {
      ...report,
      indexes: ['daily_transaction_summary_user_idx', 'transactions_user_idx'],
      indexOnly: ['daily_transaction_summary_user_idx'],
      quarters: ['2024q4'],
      buffers: 160,
      removed: 1,
    },
  },
  {
    name: 'how many entries an account has, before it is walked for one user',
    of: 'version_of_accounts',
    made: reading('ledger.balances', (book, db) =>
      listTransactions({ db, calendar: book.calendar, clock: fixedClock('2025-01-05') }, book.ledger.id, {
        userId: 'user-77',
        account: String(BANK),
        limit: 1,
      }),
    ),
    shape: { indexes: ['balances_pkey'], buffers: 4 },
  },
  {
    name: 'which are not online',
    of: 'offline_quarters',
    made: reading('quartermaster.quarters', (_, db) =>
      readOfflineQuarters(db, new Date('2023-02-01'), new Date('2024-11-01')),
    ),
    shape: { indexes: [], buffers: 10, seqScans: ['quarters'], sorted: 0 },
  },
  {
    name: 'which are closed, of those that a batch is in',
    of: 'closed_ranges',
    made: reading('quartermaster.quarters', (_, db) =>
      closedRanges(db, new Date('2024-12-30T12:00:00Z'), new Date('2024-12-30T12:00:01Z')),
    ),
    shape: {
      indexes: ['pg_constraint_conrelid_contypid_conname_index'],
      buffers: 20,
      seqScans: ['quarters'],
      // The other constraints of the two tables, of which there are more or fewer by version.
      removed: 60,
    },
  },
  {
    name: 'of a request',
    of: 'api_keys',
    made: reading('quartermaster.api_keys', (_, db) => findKeys(db, ['aaaaaaaaaaaa'])),
    shape: { indexes: ['api_keys_pkey'], buffers: 4 },
  },
  {
    name: 'by its name',
    of: 'ledger',
    made: reading('ledger.ledgers', (_, db) => findLedger(db, 'main')),
    shape: { indexes: [], buffers: 4, seqScans: ['ledgers'], removed: 5 },
  },
  {
    name: 'of a common prefix, by the key',
    of: 'count_of_ledger',
    made: countOf('ledger', { referencePrefix: 'INV-' }),
    shape: { indexes: ['transactions_pkey'], quarters: ['2024q4'], buffers: 800, removed: 1200 },
  },
  {
    name: 'of a user and an account, of which no index knows both',
    of: 'count_of_user',
    made: countOf('user', { userId: 'user-heavy' }, BANK),
    shape: { indexes: ['transactions_user_idx'], buffers: 60_000, removed: 60_000, sorted: 0 },
  },
  {
    name: 'of what is pending',
    of: 'count_of_pending',
    made: countOf('pending', { status: 'PENDING' }),
    shape: { indexes: ['reservations_pending_idx'], buffers: 1600 },
  },
];
