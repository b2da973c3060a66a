import type { Route } from './router.ts';
import type { CreateView } from './view.ts';
import { createAccount } from './views/account.ts';
import { createAccounts } from './views/accounts.ts';
import { createCharts } from './views/charts.ts';
import { createHealth } from './views/health.ts';
import { createQuarter } from './views/quarter.ts';
import { createQuarters } from './views/quarters.ts';
import { createTransaction } from './views/transaction.ts';
import { createTransactions } from './views/transactions.ts';

/** Somewhere one can be in the page. */
export interface Place {
  /** Under which of the three one finds it. */
  readonly section: 'quarters' | 'ledger' | 'health';
  readonly create: CreateView;
}

const place = (section: Place['section'], create: CreateView): Place => ({ section, create });

/** Every address of the page. */
export const places: readonly Route<Place>[] = [
  { path: '/console', to: place('quarters', createQuarters) },
  { path: '/console/quarters', to: place('quarters', createQuarters) },
  { path: '/console/quarters/:quarter', to: place('quarters', createQuarter) },
  { path: '/console/ledger', to: place('ledger', createTransactions) },
  { path: '/console/ledger/:ledger/transactions', to: place('ledger', createTransactions) },
  { path: '/console/ledger/:ledger/transactions/:id', to: place('ledger', createTransaction) },
  { path: '/console/ledger/:ledger/accounts', to: place('ledger', createAccounts) },
  { path: '/console/ledger/:ledger/accounts/:account', to: place('ledger', createAccount) },
  { path: '/console/ledger/:ledger/charts', to: place('ledger', createCharts) },
  { path: '/console/health', to: place('health', createHealth) },
];
