import { describe, expect, it } from 'vitest';
import { type DemoLedger, demoHistory, demoLedgers, demoNegativeGroups } from '../../src/cli/demo-history.ts';

interface Row {
  created_at: string;
  status: string;
  user_id?: string;
  reference_code: string;
  postings: { from: string; to: string; amount: string; currency: string }[];
}

const from = new Date('2024-04-01T00:00:00Z');
const to = new Date('2026-11-22T00:00:00Z');
const small: DemoLedger = {
  ...(demoLedgers[0] as DemoLedger),
  transactions: 20_000,
  wallets: 300,
  merchants: 20,
};

function rowsOf(ledger: DemoLedger, start = from, end = to): Row[] {
  return [...demoHistory(ledger, start, end)]
    .join('')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
}

describe('the history of the demo', () => {
  it('is the same every time, and moves the same money whatever the dates', () => {
    expect([...demoHistory(small, from, to)]).toEqual([...demoHistory(small, from, to)]);
    const money = (rows: Row[]) => rows.map((row) => [row.status, row.postings]);
    expect(money(rowsOf(small, from, new Date('2025-01-01Z')))).toEqual(money(rowsOf(small)));
  });

  it('has every row in order of time, within its span', () => {
    const times = rowsOf(small).map((row) => Date.parse(row.created_at));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBe(from.getTime());
    expect(times.at(-1)).toBeLessThan(to.getTime());
  });

  it('overdraws nobody but the bank', () => {
    const balances = new Map<string, bigint>();
    for (const row of rowsOf(small)) {
      if (row.status !== 'SUCCESS') continue;
      for (const { from: payer, to: payee, amount, currency } of row.postings) {
        expect(BigInt(amount)).toBeGreaterThan(0n);
        const left = (balances.get(`${payer} ${currency}`) ?? 0n) - BigInt(amount);
        if (!demoNegativeGroups.includes(payer.split(':')[1] ?? '')) expect(left).toBeGreaterThanOrEqual(0n);
        balances.set(`${payer} ${currency}`, left);
        balances.set(`${payee} ${currency}`, (balances.get(`${payee} ${currency}`) ?? 0n) + BigInt(amount));
      }
    }
  });

  it('shows what a ledger has to do: top-ups, payments with a commission, refunds, payouts and failures', () => {
    const rows = rowsOf(small);
    const kinds = new Set(rows.map((row) => row.reference_code.slice(0, 3)));
    expect([...kinds].sort()).toEqual(['OUT', 'PAY', 'REF', 'TOP']);
    expect(rows.some((row) => row.status === 'FAILED')).toBe(true);
    expect(rows.some((row) => row.postings.length === 2)).toBe(true);
    expect(new Set(rows.map((row) => row.postings[0]?.currency))).toEqual(new Set(small.currencies));
  });

  it('is large enough to be worth looking at', () => {
    const transactions = demoLedgers.reduce((sum, ledger) => sum + ledger.transactions, 0);
    expect(transactions).toBeGreaterThanOrEqual(300_000);
  });
});
