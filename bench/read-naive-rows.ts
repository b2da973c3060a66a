import type { Bench } from './bench.ts';
import { fill } from './read-rows.ts';

/**
 * The same rows in one table each, as applications begin: an id, and an index on every column somebody searches by.
 * An entry has no balance beside it: a statement adds up.
 */
export async function makeNaiveRows(bench: Bench, url: string): Promise<void> {
  bench.say('  the same rows in unpartitioned tables');
  await fill(url, ['CREATE SCHEMA naive']);
  await fill(url, [
    `CREATE TABLE naive.transactions AS
     SELECT id, created_at, user_id, status, currency, amount, reference_code, description, effective_at, metadata
     FROM ledger.transactions`,
    `CREATE TABLE naive.entries AS
     SELECT row_number() OVER () AS id, transaction_id, account_id, created_at, amount FROM ledger.entries`,
    `CREATE TABLE naive.accounts AS SELECT id, entity_id, group_type, currency, name, status FROM ledger.accounts`,
  ]);
  bench.say('  and their indexes');
  await fill(url, [
    'ALTER TABLE naive.entries ADD PRIMARY KEY (id)',
    'ALTER TABLE naive.transactions ADD PRIMARY KEY (id)',
    'CREATE INDEX ON naive.entries (transaction_id)',
    'CREATE INDEX ON naive.transactions (user_id)',
    'CREATE INDEX ON naive.transactions (status)',
    'CREATE INDEX ON naive.entries (account_id)',
    'CREATE INDEX ON naive.transactions (created_at)',
    'CREATE INDEX ON naive.transactions (reference_code)',
    'CREATE INDEX ON naive.entries (created_at)',
    'ALTER TABLE naive.accounts ADD PRIMARY KEY (id)',
    'CREATE INDEX ON naive.accounts (entity_id)',
  ]);
}
