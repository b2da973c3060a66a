import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { Figures } from '../../src/db/figures.ts';
import { PENDING_DETACH, SCHEDULE_KNOWN } from '../../src/db/measurements.ts';
import { readerOf } from '../../src/main/figures-source.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { type Book, openBook } from '../ledger/fixture.ts';

const logger = createLogger('silent');
const patience = () => new AbortController().signal;

/** What is kept under that name, as `label value`. */
function kept({ measurements }: Figures, metric: string): Map<string, number> {
  return new Map(
    measurements.filter((one) => one.metric === metric).map(({ label, value }) => [label, value]),
  );
}

describe('a reading', () => {
  let book: Book;
  let admin: Database;
  beforeAll(async () => {
    book = await openBook();
    await book.ensureQuarters(new Date('2026-01-01T00:00:00Z'), new Date('2026-12-31T00:00:00Z'));
    admin = openDatabase({ databaseUrl: book.adminUrl, poolMax: 1 });
  });
  afterAll(async () => {
    await admin?.close();
    await book?.close();
  });

  /** As a worker reads, on one connection of its own. */
  function worker(options: { url?: string; scheduled?: string[] } = {}) {
    const database = openDatabase({ databaseUrl: options.url ?? book.url, poolMax: 1 });
    onTestFinished(() => database.close());
    const read = readerOf({ database, zone: 'UTC', scheduled: options.scheduled ?? [], logger });
    return { database, read };
  }

  const setPending = (pending: boolean) =>
    sql`UPDATE pg_catalog.pg_inherits SET inhdetachpending = ${pending} WHERE inhrelid = 'ledger.entries_2026q2'::regclass`.execute(
      admin.direct,
    );
  const anHourAgo = () =>
    sql`UPDATE quartermaster.measurements SET measured_at = measured_at - interval '1 hour'`.execute(book.db);

  it('knows since when a detach is half done, whichever worker saw it first, and of each by itself', async () => {
    const [one, other] = [worker(), worker()];
    await setPending(true);
    expect(kept(await one.read(patience()), PENDING_DETACH).size).toBe(0);
    await anHourAgo();
    const [[label, age] = ['', 0], ...more] = kept(await other.read(patience()), PENDING_DETACH);
    expect(label).toMatch(/^ledger\.entries_2026q2 \d+$/);
    expect(age).toBeGreaterThanOrEqual(3600);
    expect(more).toEqual([]);

    // It was ended, and begins again: that is another one.
    await setPending(false);
    await setPending(true);
    await one.read(patience());
    const [[next, fresh] = ['', 0], ...others] = kept(await other.read(patience()), PENDING_DETACH);
    expect(next).not.toBe(label);
    expect(fresh).toBeLessThan(3600);
    expect(others).toEqual([]);

    await setPending(false);
    await one.read(patience());
    expect(kept(await other.read(patience()), PENDING_DETACH).size).toBe(0);
  });

  it('knows since when a job has a schedule, and a version without it takes that from nobody', async () => {
    const before = worker({ scheduled: ['old', 'new'] });
    await before.read(patience());
    await anHourAgo();
    const after = worker({ scheduled: ['newest', 'new'] });
    await after.read(patience());
    const known = kept(await before.read(patience()), SCHEDULE_KNOWN);
    expect([...known.keys()].sort()).toEqual(['new', 'newest', 'old']);
    expect((known.get('newest') ?? 0) - (known.get('new') ?? 0)).toBeGreaterThan(3500);
  });

  it('is done also where nothing may be written', async () => {
    const url = new URL(book.url);
    url.searchParams.set('options', '-c default_transaction_read_only=on');
    const { read } = worker({ url: url.href, scheduled: ['unheard of'] });
    expect((await read(patience())).partitions).toHaveLength(8);
    expect(kept(await read(patience()), SCHEDULE_KNOWN).has('unheard of')).toBe(false);
  });

  it('is not begun on a connection that comes too late, and the next one has it', async () => {
    const { database, read } = worker();
    const held = Promise.withResolvers<void>();
    const holding = database.withClient(() => held.promise);
    const giveUp = new AbortController();
    const late = read(giveUp.signal);
    late.catch(() => {});
    giveUp.abort();
    held.resolve();
    await holding;
    await expect(late).rejects.toMatchObject({ code: 'aborted' });
    expect((await read(patience())).partitions).toHaveLength(8);
  });

  it('that is given up lets go of its connection', async () => {
    const { read } = worker();
    const trx = await book.database.direct.startTransaction().execute();
    onTestFinished(async () => {
      if (!trx.isRolledBack) await trx.rollback().execute();
    });
    await sql`LOCK TABLE quartermaster.quarters IN ACCESS EXCLUSIVE MODE`.execute(trx);
    const giveUp = new AbortController();
    const reading = read(giveUp.signal);
    reading.catch(() => {});
    await expect
      .poll(async () => {
        const { rows } = await sql`
          SELECT pid FROM pg_catalog.pg_locks
          WHERE NOT granted AND relation = 'quartermaster.quarters'::regclass`.execute(admin.direct);
        return rows.length;
      })
      .toBe(1);
    giveUp.abort();
    // By us, or by its own patience where this test is slow.
    await expect(reading).rejects.toThrow();
    await trx.rollback().execute();
    expect((await read(patience())).partitions).toHaveLength(8);
  });
});
