import { formatAmount } from '../../clients/typescript/src/index.ts';
import { exponentOf, run } from './connect.ts';

/**
 * Prints the statement of an account, however long: node statement.ts LEDGER ACCOUNT CURRENCY FROM [TO]
 *
 * One page is in memory at a time, and where the output is closed early (`| head`) no further one is read.
 */
await run(async (api) => {
  const [ledger, account, currency, from, to] = process.argv.slice(2);
  if (!ledger || !account || !currency || !from) {
    throw new Error(
      'Usage: node statement.ts LEDGER ACCOUNT CURRENCY FROM [TO], as main user-1:WALLET EUR 2026-01-01',
    );
  }
  const exponent = await exponentOf(api, currency);
  const write = (minor: string) => formatAmount(minor, exponent).padStart(16);
  let closed = false;
  process.stdout.on('error', () => {
    closed = true;
  });
  let closing: string | undefined;
  for await (const page of api
    .statement(ledger, account, { from, currency, limit: 200, ...(to && { to }) })
    .pages()) {
    if (closing === undefined)
      console.log(`${'opening'.padEnd(24)} ${''.padStart(16)} ${write(page.opening)}`);
    for (const { created_at, amount, balance_after, description } of page.entries) {
      console.log(`${created_at} ${write(amount)} ${write(balance_after)}  ${description ?? ''}`);
    }
    closing = page.closing;
    if (closed) return;
  }
  console.log(`${'closing'.padEnd(24)} ${''.padStart(16)} ${write(closing ?? '0')}`);
});
