import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_USAGE, exitCodes } from '../../src/cli/exit-codes.ts';
import { unpainted } from '../../src/cli/paint.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { renderAudit, renderReindex } from '../../src/cli/render-indexes.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { type Book, openBook } from '../ledger/fixture.ts';
import { EXAMPLE, indexesLike } from './fixture.ts';

let book: Book;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quartermaster-indexes-'));
  book = await openBook();
  await book.ensureQuarters(new Date('2026-02-01'), new Date('2026-05-01'));
  await writeFile(
    join(directory, 'file.sql'),
    `${EXAMPLE.text}\nCREATE INDEX ledgers_at_idx ON ledger.ledgers (created_at);`,
  );
  await writeFile(join(directory, 'bad.sql'), 'CREATE INDEX a ON ledger.ledgers (id);\nVACUUM;');
});
afterAll(async () => {
  await book.close();
  await rm(directory, { recursive: true });
});

/** Runs a command line in this process; `FILE/` is the directory of files. */
async function quartermaster(args: string) {
  const out = new PassThrough();
  const err = new PassThrough();
  const entry = createEntry({ version: '1.2.3', clock: systemClock, signal: new AbortController().signal });
  const env = { QM_DATABASE_URL: book.url, QM_STORE: `file://${directory}/store` };
  const kit = { entry: { ...entry, readConfig: () => readConfig(env) }, out, err };
  const words = args.split(' ').map((word) => word.replace('FILE', directory));
  const code = await runCommandLine(kit, words);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

describe('quartermaster indexes', () => {
  it('teaches by example', async () => {
    expect((await quartermaster('indexes --help')).out).toMatch(
      /Examples:\n {2}\$ quartermaster indexes build/,
    );
  });

  it('prints the statements of a dry run, as SQL or JSON, and changes nothing', async () => {
    const { code, out, err } = await quartermaster('indexes build FILE/file.sql --dry-run');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.trimEnd().split('\n')).toHaveLength(6);
    expect(out).toMatch(/^CREATE INDEX "transactions_currency_idx" ON ONLY .*;$/m);
    const { statements } = JSON.parse(
      (await quartermaster('indexes build FILE/file.sql --dry-run --json')).out,
    );
    expect(`${statements.join(';\n')};\n`).toBe(out);
    expect(await indexesLike(book.db, '%currency_idx')).toEqual([]);
  });

  it('builds, says how far it is, and says when there is nothing to do', async () => {
    const { code, out, err } = await quartermaster('indexes build FILE/file.sql');
    expect(code).toBe(0);
    expect(out).toBe(
      'ledger.transactions_currency_idx on ledger.transactions is complete: 2 built.\n' +
        'ledger.ledgers_at_idx on ledger.ledgers is complete: 1 built.\n',
    );
    for (const index of [
      'transactions_2026q1_currency_idx',
      'transactions_2026q2_currency_idx',
      'ledgers_at_idx',
    ])
      expect(err).toMatch(new RegExp(`^${index} +done \\(`, 'm'));
    const again = await quartermaster('indexes build FILE/file.sql --json');
    expect(JSON.parse(again.out)).toMatchObject([{ wasThere: true }, { wasThere: true }]);
    expect((await quartermaster('indexes build FILE/file.sql --dry-run')).out).toBe(
      '-- There is nothing to do.\n',
    );
  });

  it('finds a file of the program’s own by the path that a finding names', async () => {
    const file = 'sql/migrations/0006_transaction_indexes.build.sql';
    expect((await quartermaster(`indexes build ${file}`)).out).toMatch(
      /transactions_user_idx .* is there already/,
    );
  });

  it.each([
    [
      'a file of other statements',
      'indexes build FILE/bad.sql',
      exitCodes.invalid,
      /bad\.sql, line 2: it is no index.*VACUUM/,
    ],
    ['a file that is not there', 'indexes build FILE/none.sql', exitCodes.invalid, /There is no file/],
    ['a directory', 'indexes build FILE', exitCodes.invalid, /cannot be read/],
    ['no file', 'indexes build', EXIT_USAGE, /missing required argument/],
    ['hours that are none', 'indexes audit --apply --hours long', EXIT_USAGE, /Write hours/],
  ])('refuses %s', async (_what, args, expected, why) => {
    const { code, err } = await quartermaster(args);
    expect(code).toBe(expected);
    expect(err).toMatch(why);
  });

  it('audits, and mends what can be built anew', async () => {
    await sql
      .raw('CREATE TABLE ledger.same (a integer); INSERT INTO ledger.same VALUES (1), (1)')
      .execute(book.db);
    for (const name of ['broken', 'broken_ccnew']) {
      const statement = `CREATE UNIQUE INDEX CONCURRENTLY ${name} ON ledger.same (a)`;
      await expect(sql.raw(statement).execute(book.db)).rejects.toThrow(/could not create/);
    }
    await sql
      .raw('DELETE FROM ledger.same; CREATE INDEX short ON ledger.entries (ledger_id)')
      .execute(book.db);
    const { code, out } = await quartermaster('indexes audit');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^Looked at \d+ indexes, .*\. Bloat is estimated; .* Scans are counted since \d{4}-\d\d-\d\d, 0 days\.$/m,
    );
    expect(out).toMatch(
      /^INVALID {4}ledger\.broken is not valid.*\n {11}REINDEX INDEX CONCURRENTLY ledger\.broken;$/m,
    );
    expect(out).toMatch(
      /^LEFTOVER {3}ledger\.broken_ccnew was left .*\n {11}DROP INDEX CONCURRENTLY ledger\.broken_ccnew;$/m,
    );
    expect(out).toMatch(/^3 findings: 1 invalid, 1 leftover, 1 redundant\. .* would be freed\.$/m);
    expect(JSON.parse((await quartermaster('indexes audit --json')).out)).toMatchObject({
      findings: [{ kind: 'invalid' }, { kind: 'leftover' }, { kind: 'redundant', index: 'ledger.short' }],
      bloatBy: 'estimate',
    });

    const applied = await quartermaster('indexes audit --apply --hours 0.5');
    expect(applied.out).toMatch(/ledger\.broken_ccnew was dropped/);
    expect(applied.out).toMatch(/^ledger\.broken +invalid +rebuilt /m);
    expect(applied.out).toMatch(/1 index was built anew, and 0 B freed\.$/m);
    expect(JSON.parse((await quartermaster('indexes audit --apply --json')).out)).toMatchObject({
      audit: { findings: [{ kind: 'redundant' }] },
      applied: { indexes: [], left: [], dropped: [] },
    });
  });
});

describe('what is printed', () => {
  it('lets no name steer the terminal, and has totals', () => {
    const finding = { index: 'a', table: 't', queries: [], bytes: 2048n };
    const text = renderAudit({
      findings: [
        {
          ...finding,
          kind: 'bloated',
          detail: '50 % of \u001b[31mred is empty space.',
          mend: 'REINDEX "\u001b[2J"',
        },
        {
          ...finding,
          kind: 'missing',
          detail: 'b is not there.',
          mend: 'quartermaster indexes build x.sql',
          bytes: 0n,
        },
        { ...finding, kind: 'idle', detail: 'c was not read.', mend: null, bytes: 0n },
      ],
      indexes: 1234,
      bytes: 4096n,
      freed: 2048n,
      countedSince: undefined,
      countedDays: undefined,
      tooEarly: [],
      bloatBy: 'pgstattuple',
      bloatUnknown: ['d'],
    });
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(text).toMatchInlineSnapshot(`
      "Looked at 1,234 indexes, 4.0 KiB. Bloat is measured by pgstattuple. Scans are counted since an unknown day.

      BLOATED    50 % of \\u001b[31mred is empty space. It would free 2.0 KiB.
                 REINDEX "\\u001b[2J";

      MISSING    b is not there.
                 $ quartermaster indexes build x.sql

      NOT READ   c was not read.

      Not analyzed yet, so that nothing can be said of bloat: d.

      3 findings: 1 missing, 1 bloated, 1 not read but declared. 2.0 KiB would be freed."
    `);
  });

  it('tells of a run what failed and what was left', () => {
    const base = { why: 'bloated' as const, before: 3_000_000n, after: 1_000_000n, seconds: 2 };
    const text = unpainted(
      renderReindex({
        dropped: ['l.x_ccnew'],
        kept: [{ index: 'l.y_ccnew', detail: 'It is not ours.' }],
        indexes: [
          { ...base, index: 'l.a', outcome: 'rebuilt' },
          { ...base, index: 'l.b', outcome: 'failed', after: 3_000_000n, detail: 'Two rows have one key.' },
        ],
        left: ['l.c'],
        freed: 2_000_000n,
      }),
    );
    expect(text).toMatchInlineSnapshot(`
      "l.x_ccnew was dropped, a leftover of a run that was killed.
      l.y_ccnew is a leftover, and could not be dropped. It is not ours.
      Index  Why      Outcome   Before      After  Seconds
      l.a    bloated  rebuilt  2.9 MiB  976.6 KiB      2.0
      l.b    bloated  failed   2.9 MiB    2.9 MiB      2.0
      l.b: Two rows have one key.
      There was no time for l.c.
      1 index was built anew, and 1.9 MiB freed."
    `);
  });
});
