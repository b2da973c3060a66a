import { sql } from 'kysely';
import { expect, inject, it } from 'vitest';
import { openBook } from '../ledger/fixture.ts';
import { underRoles } from '../support/roles.ts';

// What the two switches of a run do, for a switch that does nothing would prove nothing.
it('a run goes through PgBouncer and under roles where it is said to, and else by neither', async () => {
  const book = await openBook();
  try {
    const api = book.as('api').write;
    const sessions = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const { rows } = await sql<{ pid: number; role: string }>`
          SELECT pg_backend_pid() AS pid, current_user::text AS role FROM pg_sleep(0.1)`.execute(api);
        return rows[0];
      }),
    );
    const pooled = process.env.QM_TEST_POOLER === '1' && inject('postgres').poolerPort !== undefined;
    // Ten callers have ten connections of their own, or share the four that the pooler has.
    expect(new Set(sessions.map((one) => one?.pid)).size <= 4).toBe(pooled);
    const role = underRoles() ? 'quartermaster_api' : 'quartermaster';
    expect(new Set(sessions.map((one) => one?.role))).toEqual(new Set([role]));
  } finally {
    await book.close();
  }
});
