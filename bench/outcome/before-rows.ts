import type { Bench } from '../bench.ts';
import { withClient } from '../database.ts';
import { fill } from '../read-rows.ts';

/**
 * Makes the plain tables of the reading bench into those of a team that books in them too: an entry gets its id by itself,
 * and an account has a balance, by which funds are checked. It has no limit, as ours has none.
 */
export async function makeBefore(bench: Bench, url: string): Promise<void> {
  bench.say('  and what it takes to book in them');
  await fill(url, [
    [
      'DROP TABLE naive.accounts',
      `CREATE TABLE naive.accounts AS
       SELECT a.id, a.entity_id, a.group_type, a.currency, a.name, a.status, b.posted AS balance, b.min_balance
       FROM ledger.accounts AS a JOIN ledger.balances AS b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
       ORDER BY a.id`,
      'ALTER TABLE naive.accounts ADD PRIMARY KEY (id), ALTER COLUMN balance SET NOT NULL',
      'CREATE INDEX ON naive.accounts (entity_id)',
      `ALTER TABLE naive.transactions
         ALTER COLUMN user_id SET NOT NULL, ALTER COLUMN status SET NOT NULL, ALTER COLUMN created_at SET NOT NULL`,
    ],
  ]);
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ next: bigint }>(
      'SELECT coalesce(max(id), 0) + 1 AS next FROM naive.entries',
    );
    // ALTER TABLE takes no parameters; a bigint holds nothing but digits.
    await client.query(
      `ALTER TABLE naive.entries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (START WITH ${rows[0]?.next})`,
    );
    await client.query('VACUUM ANALYZE naive.accounts');
  });
}
