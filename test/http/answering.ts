import { expect } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { emptyHouse, inject, problemIn, transactionView } from './house.ts';

const ledger = '/v1/ledgers/main';
export const account = 'user-123:WALLET';

/** An app that answers the same to everything, and remembers what it was asked. */
export function answering() {
  const asked: unknown[][] = [];
  const { entries: _, ...row } = transactionView({ userId: 'u', status: 'PENDING' });
  const of = { accountId: 7n, account, currency: 'EUR' };
  const at = new Date('2026-01-01T00:00:00Z');
  const app = createApp(
    emptyHouse({
      listTransactions: async (...parts) => {
        asked.push(parts);
        return {
          transactions: [row],
          next: parts[1].cursor === undefined ? 'c/1+=' : undefined,
          total: parts[1].includeTotal ? { count: 9_000_000_000n, exact: true } : undefined,
          archivedQuarters: ['2024q1'],
        };
      },
      readBalance: async (...parts) => {
        asked.push(parts);
        return parts[1].at
          ? { ...of, posted: -5n, at: parts[1].at }
          : {
              ...of,
              posted: 10n ** 18n,
              pendingOut: 1n,
              pendingIn: 0n,
              available: null,
              minBalance: null,
              version: 3n,
              at,
            };
      },
      readClosingBalance: async (...parts) => {
        asked.push(parts);
        return { ...of, posted: -7n, day: parts[1].day };
      },
      readStatement: async (...parts) => {
        asked.push(parts);
        const line = {
          createdAt: at,
          transactionId: row.id,
          amount: -5n,
          balanceAfter: 5n,
          version: 2n,
          referenceCode: 'r',
          description: null,
          effectiveAt: null,
        };
        return {
          ...of,
          from: parts[1].from,
          to: parts[1].to ?? at,
          opening: 10n,
          closing: 5n,
          lines: [line],
          next: 'c2',
          archivedQuarters: [],
        };
      },
      readGroups: async (...parts) => {
        asked.push(parts);
        const line = { period: '2026q1', start: '2026-01-01', groupType: 'WALLET', currency: 'EUR' };
        return {
          lines: [{ ...line, entryCount: 3n, debits: 10n ** 20n, credits: 0n }],
          zone: 'Europe/Paris',
          staleDays: ['2026-01-03'],
        };
      },
      readDaily: async (...parts) => {
        asked.push(parts);
        const line = { period: '2026-W01', start: '2025-12-29', currency: 'EUR', status: 'SUCCESS' as const };
        return {
          lines: [{ ...line, transactionCount: 3n, totalAmount: 10n ** 17n }],
          zone: 'Europe/Paris',
          staleDays: ['2026-01-02'],
        };
      },
    }),
  );
  const get = (path: string, headers: Record<string, string> = {}) =>
    inject(app, { url: `${ledger}${path}`, headers });
  return { app, asked, get };
}

/** What the query is refused for. */
export async function faultsOf(path: string) {
  const { asked, get } = answering();
  const { errors } = problemIn(await get(path), 400, 'invalid_request');
  expect(asked).toEqual([]);
  return errors?.map(({ parameter, header }) => parameter ?? header);
}
