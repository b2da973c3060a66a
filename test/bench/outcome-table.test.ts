import { describe, expect, it } from 'vitest';
import { figureOf } from '../../bench/figures.ts';
import { slowStatements } from '../../bench/outcome/slow-log.ts';
import { renderTable } from '../../bench/outcome/table.ts';
import { failed, measuresOf, type Turn } from '../../bench/outcome/tally.ts';

function turn(parts: Partial<Turn> = {}): Turn {
  return {
    side: 'before',
    phase: 'spread',
    round: 1,
    times: { post: [10, 20], list: [100, 300], balance: [5], report: [2000] },
    failures: {},
    seconds: 2,
    cpu: 3,
    bytes: 6 * 2 ** 20,
    slow: 0,
    slowInBackground: 0,
    ...parts,
  };
}

describe('the measures of a round', () => {
  it('are of all its turns together, by request answered', () => {
    const quick = turn({
      phase: 'hot',
      times: { post: [1], list: [50], balance: [], report: [] },
      cpu: 1,
      bytes: 0,
    });
    const found = measuresOf([turn(), quick]);
    expect(found).toEqual({
      cpu: (1000 * 4) / 8,
      read: (1000 * 6) / 8,
      latency: (10 + 20 + 100 + 300 + 5 + 2000 + 1 + 50) / 8,
      listP95: 300,
      report: 2000,
      rate: 8 / 4,
    });
  });

  it('are not made up where nothing was answered', () => {
    const without = { post: [1], list: [2], balance: [], report: [] };
    expect(() => measuresOf([turn({ times: without, round: 3 })])).toThrow(
      'No reports were answered by before in round 3: give more --seconds.',
    );
    expect(() => measuresOf([turn({ times: { ...without, list: [], report: [1] } })])).toThrow('No lists');
  });

  it('count failures by what failed', () => {
    const failures = {
      'post 503 database_unavailable': 4,
      'post Headers Timeout Error': 1,
      'list 500 internal': 2,
    };
    expect(failed({ failures })).toBe(7);
    expect(failed({ failures }, 'post')).toBe(5);
    expect(failed({ failures }, 'report')).toBe(0);
  });
});

describe('the table', () => {
  const lines = [
    {
      what: 'average report, ms',
      figure: figureOf({ figure: 'outcome.report', unit: 'ms', rows: 10, goal: 100 }, [20], [5000]),
    },
    {
      what: 'requests a second',
      figure: figureOf({ figure: 'outcome.rate', unit: 'req/s', rows: 10, goal: null }, [1500], [7.25]),
    },
    {
      what: 'failed requests',
      figure: figureOf({ figure: 'outcome.errors', unit: 'count', rows: 10, goal: 0 }, [0], [1412]),
    },
    {
      what: 'slow statements',
      figure: figureOf({ figure: 'outcome.slow', unit: 'count', rows: 10, goal: 0 }, [2], [90]),
    },
    {
      what: 'refresh, s',
      figure: figureOf({ figure: 'refresh/matview', unit: 's', rows: 10, goal: 100 }, [0], [3]),
    },
  ] as const;

  it('is Markdown for the page', () => {
    expect(renderTable(lines, 'markdown')).toBe(
      [
        '|   | before | ours | times better | goal |   |',
        '| --- | ---: | ---: | ---: | ---: | ---: |',
        '| average report, ms | 5,000 | 20 | 250 | 100 | reached |',
        '| requests a second | 7.25 | 1,500 | 207 | – |   |',
        '| failed requests | 1,412 | 0 | – | none | reached |',
        '| slow statements | 90 | 2 | – | none | missed |',
        '| refresh, s | 3 | 0 | no number | 100 | missed |',
      ].join('\n'),
    );
  });

  it('has its columns under each other for a terminal', () => {
    const [head = '', ...rows] = renderTable(lines, 'columns').split('\n');
    const end = head.indexOf('before') + 'before'.length;
    expect(rows.map((row) => row.slice(0, end).split(/ {2,}/).at(-1))).toEqual([
      '5,000',
      '7.25',
      '1,412',
      '90',
      '3',
    ]);
    expect(rows[0]).toMatch(/ 100 {2}reached$/);
    expect(rows[1]).toMatch(/–$/);
  });
});

it('slow statements are found in the log, by who sent them, and nothing else is taken for one', () => {
  const log = [
    '2026-11-26 01:00:00.123 UTC [71] api LOG:  duration: 612.301 ms  execute <unnamed>: SELECT a,',
    '\t  duration: 900 ms is no time of its own',
    '2026-11-26 01:00:01.000 UTC [72] worker LOG:  duration: 1500.000 ms  statement: COMMIT',
    '2026-11-26 01:00:02.000 UTC [73] before FATAL:  sorry, too many clients already',
    '2026-11-26 01:00:03.000 UTC [74]  LOG:  checkpoint complete: write=0.5 s',
    '2026-11-26 01:00:04.000 UTC [75]  LOG:  duration: 700.5 ms  statement: CHECKPOINT',
    '2026-11-26 01:00:05.000 UTC [76] [unknown] LOG:  duration: 501 ms',
    '',
  ].join('\n');
  expect(slowStatements(log)).toEqual([
    { application: 'api', ms: 612.301, statement: 'execute <unnamed>: SELECT a,' },
    { application: 'worker', ms: 1500, statement: 'statement: COMMIT' },
    { application: '', ms: 700.5, statement: 'statement: CHECKPOINT' },
    { application: '[unknown]', ms: 501, statement: '' },
  ]);
});
