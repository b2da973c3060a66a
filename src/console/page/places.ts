import type { Route } from './router.ts';
import type { CreateView } from './view.ts';

/** Somewhere one can be in the page. */
export interface Place {
  /** Under which of the three one finds it. */
  readonly section: 'quarters' | 'ledger' | 'health';
  /** Fetches what makes the view: when somebody goes there, so that the first view is not made to wait for the others. */
  readonly load: () => Promise<CreateView>;
}

const place = (section: Place['section'], load: Place['load']): Place => ({ section, load });

const quarters = place('quarters', async () => (await import('./views/quarters.ts')).createQuarters);
const quarter = place('quarters', async () => (await import('./views/quarter.ts')).createQuarter);
const transactions = place(
  'ledger',
  async () => (await import('./views/transactions.ts')).createTransactions,
);
const transaction = place('ledger', async () => (await import('./views/transaction.ts')).createTransaction);
const account = place('ledger', async () => (await import('./views/account.ts')).createAccount);
const charts = place('ledger', async () => (await import('./views/charts.ts')).createCharts);
const health = place('health', async () => (await import('./views/health.ts')).createHealth);

/** Every address of the page. */
export const places: readonly Route<Place>[] = [
  { path: '/console', to: quarters },
  { path: '/console/quarters', to: quarters },
  { path: '/console/quarters/:quarter', to: quarter },
  { path: '/console/ledger', to: transactions },
  { path: '/console/ledger/:ledger/transactions', to: transactions },
  { path: '/console/ledger/:ledger/transactions/:id', to: transaction },
  { path: '/console/ledger/:ledger/accounts/:account', to: account },
  { path: '/console/ledger/:ledger/charts', to: charts },
  { path: '/console/health', to: health },
];
