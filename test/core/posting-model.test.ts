import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startDeciding } from '../../src/core/decide.ts';
import type { AccountState, BookRequest, LedgerState } from '../../src/core/posting.ts';
import { type Decision, decide } from './deciding.ts';

// A ledger so small that requests meet: in 40 of them funds run out, times go back and quarters are closed.
const CURRENCIES = ['EUR', 'USD'];
const NAMES = ['a:X', 'b:X', 'c:X', 'd:X'];
const NOW = 1000;

const accountArbitrary = fc.record({
  status: fc.constantFrom('ACTIVE' as const, 'ACTIVE' as const, 'ACTIVE' as const, 'BLOCKED' as const),
  posted: fc.bigInt(-50n, 100n),
  pendingOut: fc.bigInt(0n, 20n),
  pendingIn: fc.bigInt(0n, 20n),
  minBalance: fc.constantFrom(null, 0n, -30n),
  version: fc.bigInt(0n, 5n),
  lastEntryAt: fc.option(fc.integer({ min: 0, max: 1100 })),
});

const stateArbitrary: fc.Arbitrary<LedgerState> = fc
  .record({
    // The last name exists in one currency only, and "e:X" in none.
    accounts: fc.array(accountArbitrary, { minLength: 7, maxLength: 7 }),
    closed: fc.option(fc.integer({ min: 0, max: 900 }), { freq: 3 }),
  })
  .map(({ accounts, closed }) => {
    const byAddress = new Map<string, AccountState[]>();
    for (const [index, { lastEntryAt, ...account }] of accounts.entries()) {
      const address = NAMES[index >> 1] as string;
      const full: AccountState = {
        ...account,
        id: BigInt(index + 1),
        address,
        currency: CURRENCIES[index % 2] as string,
        version: lastEntryAt === null ? 0n : account.version + 1n,
        lastEntryAt: lastEntryAt === null ? null : new Date(lastEntryAt),
      };
      byAddress.set(address, [...(byAddress.get(address) ?? []), full]);
    }
    const ranges = closed === null ? [] : [{ start: new Date(closed), end: new Date(closed + 60) }];
    return { now: new Date(NOW), accounts: byAddress, closed: ranges };
  });

const requestArbitrary: fc.Arbitrary<BookRequest> = fc.record(
  {
    postings: fc.array(
      fc.record({
        from: fc.constantFrom(...NAMES, 'e:X'),
        to: fc.constantFrom(...NAMES),
        amount: fc.bigInt(0n, 40n),
        currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'USD'),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    status: fc.constantFrom('SUCCESS' as const, 'SUCCESS' as const, 'FAILED' as const),
    createdAt: fc.integer({ min: 0, max: 1200 }).map((time) => new Date(time)),
  },
  { requiredKeys: ['postings'] },
);
const requestsArbitrary = fc.array(requestArbitrary, { maxLength: 40 });

interface Book {
  balance: Map<string, bigint>;
  version: Map<string, bigint>;
  last: Map<string, number>;
  entries: { account: string; amount: bigint; balanceAfter: bigint; version: bigint; at: number }[];
  transactions: (string | { at: number; entries: number })[];
}

/** The same rules, said as plainly as can be: one request after the other, on copies of maps. */
function applyOneByOne(requests: readonly BookRequest[], state: LedgerState): Book {
  const facts = new Map(
    [...state.accounts.values()].flat().map((account) => [`${account.address} ${account.currency}`, account]),
  );
  const ids = [...facts.keys()];
  let book: Book = {
    balance: new Map(ids.map((id) => [id, facts.get(id)?.posted ?? 0n])),
    version: new Map(ids.map((id) => [id, facts.get(id)?.version ?? 0n])),
    last: new Map(ids.map((id) => [id, facts.get(id)?.lastEntryAt?.getTime() ?? -1])),
    entries: [],
    transactions: [],
  };
  for (const request of requests) {
    const next: Book = {
      balance: new Map(book.balance),
      version: new Map(book.version),
      last: new Map(book.last),
      entries: [...book.entries],
      transactions: [...book.transactions],
    };
    try {
      const names = request.postings.flatMap((p) => [`${p.from} ${p.currency}`, `${p.to} ${p.currency}`]);
      for (const { from, to, amount, currency } of request.postings) {
        if (amount <= 0n) throw 'amount_invalid';
        if (from === to) throw 'same_account';
        for (const name of [from, to]) {
          if (facts.has(`${name} ${currency}`)) continue;
          throw ids.some((id) => id.startsWith(`${name} `)) ? 'currency_mismatch' : 'account_not_found';
        }
      }
      const lasts = names.map((name) => book.last.get(name) ?? -1);
      const time = request.createdAt?.getTime() ?? Math.max(NOW, ...lasts);
      if (state.closed.some(({ start, end }) => time >= start.getTime() && time < end.getTime()))
        throw 'quarter_closed';
      if (request.status !== 'FAILED') {
        if (lasts.some((last) => last > time)) throw 'out_of_order';
        for (const { from, to, amount, currency } of request.postings) {
          const [payer, payee] = [`${from} ${currency}`, `${to} ${currency}`];
          if (facts.get(payer)?.status !== 'ACTIVE' || facts.get(payee)?.status !== 'ACTIVE')
            throw 'account_not_active';
          const { minBalance, pendingOut } = facts.get(payer) as AccountState;
          const left = (next.balance.get(payer) ?? 0n) - amount;
          if (minBalance !== null && left - pendingOut < minBalance) throw 'insufficient_funds';
          for (const [account, change] of [[payer, -amount] as const, [payee, amount] as const]) {
            const balanceAfter = (next.balance.get(account) ?? 0n) + change;
            const version = (next.version.get(account) ?? 0n) + 1n;
            next.balance.set(account, balanceAfter);
            next.version.set(account, version);
            next.last.set(account, time);
            next.entries.push({ account, amount: change, balanceAfter, version, at: time });
          }
        }
      }
      next.transactions.push({ at: time, entries: next.entries.length - book.entries.length });
      book = next;
    } catch (code) {
      if (typeof code !== 'string') throw code;
      book.transactions.push(code);
    }
  }
  return book;
}

function nameOf(state: LedgerState, id: bigint): string {
  const found = [...state.accounts.values()].flat().find((account) => account.id === id);
  return `${found?.address} ${found?.currency}`;
}

function entriesOf(decision: Decision, state: LedgerState) {
  return decision.outcomes.flatMap((outcome) =>
    outcome.kind === 'refused' || outcome.kind === 'freed'
      ? []
      : outcome.entries.map(({ accountId, ...entry }) => ({
          account: nameOf(state, accountId),
          ...entry,
          at: outcome.createdAt.getTime(),
        })),
  );
}

/** The ledger after the changes of a decision were written. */
function after(state: LedgerState, { changes }: Decision): LedgerState {
  const accounts = new Map<string, AccountState[]>();
  for (const [address, list] of state.accounts) {
    accounts.set(
      address,
      list.map((account) => {
        const change = changes.find(({ accountId }) => accountId === account.id);
        if (!change) return account;
        return {
          ...account,
          posted: account.posted + change.posted,
          version: account.version + change.entries,
          lastEntryAt: change.lastEntryAt,
        };
      }),
    );
  }
  return { ...state, accounts };
}

function balancesOf(state: LedgerState) {
  return [...state.accounts.values()]
    .flat()
    .map(({ id, posted, version, lastEntryAt }) => ({ id, posted, version, lastEntryAt }));
}

it('a batch ends as its requests applied one by one would', () => {
  fc.assert(
    fc.property(stateArbitrary, requestsArbitrary, (state, requests) => {
      const decision = decide(requests, state);
      const model = applyOneByOne(requests, state);
      expect(
        decision.outcomes.map((outcome) =>
          outcome.kind === 'refused' || outcome.kind === 'freed'
            ? 'code' in outcome && outcome.code
            : { at: outcome.createdAt.getTime(), entries: outcome.entries.length },
        ),
      ).toEqual(model.transactions);
      expect(entriesOf(decision, state)).toEqual(model.entries);
      for (const { id, posted, version } of balancesOf(after(state, decision))) {
        expect(posted).toBe(model.balance.get(nameOf(state, id)));
        expect(version).toBe(model.version.get(nameOf(state, id)));
      }
    }),
    { numRuns: 2000 },
  );
});

it('entries sum to zero per currency, and versions of an account run without a gap in order of time', () => {
  fc.assert(
    fc.property(stateArbitrary, requestsArbitrary, (state, requests) => {
      const decision = decide(requests, state);
      for (const outcome of decision.outcomes) {
        if (outcome.kind === 'refused' || outcome.kind === 'freed') continue;
        for (const currency of CURRENCIES) {
          const amounts = outcome.entries.filter(({ accountId }) =>
            nameOf(state, accountId).endsWith(currency),
          );
          expect(amounts.reduce((sum, { amount }) => sum + amount, 0n)).toBe(0n);
        }
      }
      const last = new Map([...state.accounts.values()].flat().map((a) => [`${a.address} ${a.currency}`, a]));
      const seen = new Map<string, { version: bigint; at: number }>();
      for (const { account, version, at } of entriesOf(decision, state)) {
        const start = last.get(account);
        const before = seen.get(account) ?? {
          version: start?.version ?? 0n,
          at: start?.lastEntryAt?.getTime() ?? -1,
        };
        expect(version).toBe(before.version + 1n);
        expect(at).toBeGreaterThanOrEqual(before.at);
        seen.set(account, { version, at });
      }
    }),
    { numRuns: 1000 },
  );
});

it('it does not matter where a stream of requests is cut into batches', () => {
  fc.assert(
    fc.property(stateArbitrary, requestsArbitrary, fc.nat(40), (state, requests, cut) => {
      const whole = decide(requests, state);
      const first = decide(requests.slice(0, cut), state);
      const between = after(state, first);
      const second = decide(requests.slice(cut), between);
      expect([...first.outcomes, ...second.outcomes]).toEqual(whole.outcomes);
      expect(balancesOf(after(between, second))).toEqual(balancesOf(after(state, whole)));
    }),
    { numRuns: 1000 },
  );
});

it('a batch decided in pieces ends as one decided at once', () => {
  fc.assert(
    fc.property(stateArbitrary, requestsArbitrary, fc.nat(40), (state, requests, cut) => {
      const deciding = startDeciding(state);
      const outcomes = [requests.slice(0, cut), requests.slice(cut)].flatMap((piece) => deciding.next(piece));
      expect({ outcomes, changes: deciding.changes() }).toEqual(decide(requests, state));
    }),
  );
});
