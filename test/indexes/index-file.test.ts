import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIndexFile } from '../../src/db/index-file.ts';
import { partitionIndexName } from '../../src/db/index-shape.ts';

const parse = (text: string) => parseIndexFile(text, 'file.sql');

describe('a file of indexes', () => {
  it('is read with its comments, quotes and lines', () => {
    const found = parse(`-- CREATE INDEX no ON a.b (c);
      /* nor /* here; */ ; */
      CREATE INDEX Plain ON Ledger.Entries (amount) ;

      create unique index if not exists "Odd ""name""" on "Le;dger".entries
        using btree (lower(a || ';') text_pattern_ops, "b;") INCLUDE (c) -- as it is
        WHERE d <> 'it''s; --' AND e = $x$;'$x$`);
    expect(found).toEqual([
      { isUnique: false, name: 'plain', schema: 'ledger', table: 'entries', tail: '(amount)', line: 3 },
      {
        isUnique: true,
        name: 'Odd "name"',
        schema: 'Le;dger',
        table: 'entries',
        tail: expect.stringMatching(
          /^using btree \(lower[\s\S]*"b;"\) INCLUDE \(c\)\s+WHERE d[\s\S]*\$x\$;'\$x\$$/,
        ),
        line: 5,
      },
    ]);
  });

  it.each<[string, number, RegExp, string]>([
    ['another statement', 2, /is no index.*DROP TABLE x/, 'CREATE INDEX a ON b.c (d);\nDROP TABLE x;'],
    ['a table without its schema', 1, /is no index/, 'CREATE INDEX a ON c (d)'],
    ['an index without a name', 1, /is no index/, 'CREATE INDEX ON b.c (d)'],
    ['CONCURRENTLY', 1, /CONCURRENTLY or ONLY/, 'CREATE INDEX CONCURRENTLY a ON b.c (d)'],
    ['ONLY', 1, /CONCURRENTLY or ONLY/, 'CREATE INDEX a ON ONLY b.c (d)'],
    ['a comment that does not end', 2, /comment that does not end/, 'CREATE INDEX a ON b.c (d);\n/* /* */'],
    ['a text that does not end', 1, /text that does not end/, "CREATE INDEX a ON b.c (d) WHERE e = 'f"],
    [
      'a dollar text that does not end',
      1,
      /\$x\$ that does not end/,
      'CREATE INDEX a ON b.c (d) WHERE e = $x$f',
    ],
    ['a text with escapes', 1, /E'…'/, "CREATE INDEX a ON b.c (d) WHERE e = E'\\'';DROP TABLE x;--'"],
    ['a tablespace', 1, /names a TABLESPACE/, 'CREATE INDEX a ON b.c (d) tablespace e'],
    ['one name twice', 3, /a second time/, 'CREATE INDEX a ON b.c (d);\n\nCREATE INDEX A ON b.c (e)'],
    ['a name that is too long', 1, /more than 63 bytes/, `CREATE INDEX ${'é'.repeat(32)} ON b.c (d)`],
  ])('with %s is refused, and the line is told', (_what, line, why, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ kind: 'invalid', code: 'bad_index_file' }));
    expect(() => parse(text)).toThrow(new RegExp(`file\\.sql, line ${line}: it .*${why.source}`));
  });

  it('without any index is refused', () => {
    expect(() => parse('-- nothing\n;;')).toThrow(/has no CREATE INDEX/);
  });

  it('never gives a statement with a semicolon outside of quotes', () => {
    const part = fc.constantFrom(
      ...[';', "'", '"', '--', '\n', '/*', '*/', '$$', '$a$', 'x', ' ', '(', ')', "E'", '\\'],
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        let found: ReturnType<typeof parse>;
        try {
          found = parse(`CREATE INDEX i ON s.t (a) ${parts.join('')}`);
        } catch {
          return;
        }
        for (const { tail } of found) {
          const bare = tail.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$/g, 'q');
          expect(bare).not.toMatch(/;|--|\/\*/);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the name of a partition’s index', () => {
  it('is that of the partition and of the index', () => {
    expect(partitionIndexName('entries_2026q1', 'entries', 'entries_amount_idx')).toBe(
      'entries_2026q1_amount_idx',
    );
    expect(partitionIndexName('entries_2026q1', 'entries', 'by_amount')).toBe('entries_2026q1_by_amount');
  });

  it('fits into 63 bytes, is the same each time, and another one for each partition and index', () => {
    const name = fc.string({
      minLength: 1,
      maxLength: 40,
      unit: fc.constantFrom('a', 'b', 'é', '_', '漢', '😀'),
    });
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 5 }), (indexes) => {
        const names = indexes.flatMap((index) =>
          ['t_2026q1', 't_2026q2'].map((partition) => partitionIndexName(partition, 't', `t_${index}`)),
        );
        expect(new Set(names).size).toBe(names.length);
        for (const one of names) expect(Buffer.byteLength(one)).toBeLessThanOrEqual(63);
      }),
    );
  });
});
