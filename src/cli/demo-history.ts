/** An account of the demo and what it may do. */
interface Party {
  readonly address: string;
  balance: number;
}

/** One ledger of the demo. Amounts are minor units of its currencies. */
export interface DemoLedger {
  readonly name: string;
  readonly currencies: readonly string[];
  readonly transactions: number;
  readonly wallets: number;
  readonly merchants: number;
  /** The usual size of a payment, in minor units. */
  readonly payment: number;
}

/** 330,000 transactions: a payment company in three currencies and a shop whose currencies have 0 and 3 decimals. */
export const demoLedgers: readonly DemoLedger[] = [
  {
    name: 'northwind',
    currencies: ['EUR', 'USD', 'GBP'],
    transactions: 220_000,
    wallets: 6000,
    merchants: 150,
    payment: 2400,
  },
  {
    name: 'sakura',
    currencies: ['JPY', 'KWD'],
    transactions: 110_000,
    wallets: 3000,
    merchants: 80,
    payment: 3500,
  },
];

/** Groups whose accounts may go below zero: money enters the ledger through the bank. */
export const demoNegativeGroups = ['BANK'];

const CHUNK_BYTES = 64 * 1024;

/**
 * The history of one ledger as NDJSON in the load format, oldest first, spread evenly over `[from, to)`. What happens
 * follows from the ledger's name alone, so two runs give equal totals.
 *
 * People top up a wallet, pay merchants (who get the payment less a commission), are refunded now and then, and
 * merchants are paid out; one payment in fifty is refused by the card scheme and recorded as FAILED.
 */
export function* demoHistory(ledger: DemoLedger, from: Date, to: Date): Generator<string> {
  const random = seededRandom(ledger.name);
  const whole = (below: number) => Math.floor(random() * below);
  const parties = (count: number, address: (i: number) => string): Party[] =>
    Array.from({ length: count * ledger.currencies.length }, (_, i) => ({
      address: address(Math.floor(i / ledger.currencies.length) + 1),
      balance: 0,
    }));
  const wallets = parties(ledger.wallets, (i) => `user-${i}:WALLET`);
  const merchants = parties(ledger.merchants, (i) => `merchant-${i}:SETTLEMENT`);
  const span = to.getTime() - from.getTime();

  let chunk = '';
  for (let i = 0; i < ledger.transactions; i++) {
    // A few people pay often: squaring gathers them at the low numbers.
    const currencyIndex = whole(ledger.currencies.length);
    const pick = (list: readonly Party[]) => {
      const holders = list.length / ledger.currencies.length;
      return list[Math.floor(random() ** 2 * holders) * ledger.currencies.length + currencyIndex] as Party;
    };
    const wallet = pick(wallets);
    const merchant = pick(merchants);
    const payment = 1 + whole(ledger.payment * 2);
    const event = nextEvent(random(), wallet, merchant, payment, ledger.payment);
    const [user] = wallet.address.split(':');
    chunk += `${JSON.stringify({
      created_at: new Date(from.getTime() + Math.floor((span * i) / ledger.transactions)).toISOString(),
      user_id: event.user ? user : undefined,
      status: event.status,
      reference_code: `${event.kind}-${String(i + 1).padStart(7, '0')}`,
      description: event.description,
      postings: event.postings.map((posting) => ({
        ...posting,
        amount: String(posting.amount),
        currency: ledger.currencies[currencyIndex],
      })),
    })}\n`;
    if (chunk.length >= CHUNK_BYTES) {
      yield chunk;
      chunk = '';
    }
  }
  if (chunk !== '') yield chunk;
}

interface DemoEvent {
  readonly kind: string;
  readonly description: string;
  readonly user: boolean;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly postings: readonly { from: string; to: string; amount: number }[];
}

function nextEvent(
  chance: number,
  wallet: Party,
  merchant: Party,
  payment: number,
  usual: number,
): DemoEvent {
  const settled = { status: 'SUCCESS', user: true } as const;
  if (chance < 0.02) {
    const postings = [{ from: wallet.address, to: merchant.address, amount: payment }];
    return {
      kind: 'PAY',
      description: 'Card payment refused by the scheme',
      user: true,
      status: 'FAILED',
      postings,
    };
  }
  if (chance < 0.04 && merchant.balance >= payment) {
    merchant.balance -= payment;
    wallet.balance += payment;
    const postings = [{ from: merchant.address, to: wallet.address, amount: payment }];
    return { ...settled, kind: 'REF', description: 'Refund', postings };
  }
  if (chance < 0.06 && merchant.balance > usual) {
    const amount = merchant.balance;
    merchant.balance = 0;
    const postings = [{ from: merchant.address, to: 'treasury:BANK', amount }];
    return { ...settled, kind: 'OUT', description: 'Payout to the merchant', user: false, postings };
  }
  if (wallet.balance < payment) {
    const amount = payment + usual * 4;
    wallet.balance += amount;
    const postings = [{ from: 'treasury:BANK', to: wallet.address, amount }];
    return { ...settled, kind: 'TOP', description: 'Top-up by bank transfer', postings };
  }
  const commission = Math.max(1, Math.round(payment * 0.015));
  const share = payment - commission;
  wallet.balance -= payment;
  merchant.balance += share;
  const postings = [
    { from: wallet.address, to: merchant.address, amount: share },
    { from: wallet.address, to: 'platform:COMMISSION', amount: commission },
  ].filter((posting) => posting.amount > 0);
  return { ...settled, kind: 'PAY', description: 'Payment', postings };
}

/** mulberry32 (T. Ettinger): small, fast and the same everywhere; nothing here is secret. */
function seededRandom(seed: string): () => number {
  let state = 0;
  for (const character of seed) state = (Math.imul(state, 31) + character.charCodeAt(0)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
