import { formatAmount, toMinor } from '../../clients/typescript/src/index.ts';
import { exponentOf, run } from './connect.ts';

/**
 * Posts a payment: node post-payment.ts LEDGER FROM TO AMOUNT CURRENCY ORDER
 *
 * Run it again, after whatever broke off, and the money moves once: the order's number is the key of the payment.
 */
await run(async (api) => {
  const [ledger, from, to, amount, currency, order] = process.argv.slice(2);
  if (!ledger || !from || !to || !amount || !currency || !order) {
    throw new Error(
      'Usage: node post-payment.ts LEDGER FROM TO AMOUNT CURRENCY ORDER, as main a:WALLET b:WALLET 12.50 EUR order-7',
    );
  }
  const exponent = await exponentOf(api, currency);
  const { transaction, replayed } = await api.transactions.post(
    ledger,
    { postings: [{ from, to, amount: toMinor(amount, exponent), currency }], reference_code: order },
    { idempotencyKey: `payment ${order}` },
  );
  console.log(`${transaction.id} ${replayed ? 'had been posted before' : 'is posted'}`);
  for (const { account, balance_after } of transaction.entries) {
    console.log(`${account} has ${formatAmount(balance_after, exponent)} ${currency}`);
  }
});
