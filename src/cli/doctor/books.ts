import { calendar as calendarOf } from '../../core/quarter.ts';
import { findViolations } from '../../ledger/invariants.ts';
import { listKeys } from '../../ledger/keys.ts';
import { readTotals } from '../../ledger/totals.ts';
import { inspectQuarters } from '../../quarters/reconcile.ts';
import { readDeclared } from '../../summaries/index-declared.ts';
import { readCounted, readIndexFacts } from '../../summaries/index-facts.ts';
import { findFindings } from '../../summaries/index-findings.ts';
import { lagFault, readSummaryLag } from '../../summaries/lag.ts';
import { matters, staleStatistics } from '../../summaries/stale.ts';
import { type Check, type Fault, failed, some, warned } from './check.ts';

const SCHEMA = ['schema'];
const OURS = ['zone-stored'];

export const bookChecks: readonly Check[] = [
  {
    name: 'horizon',
    group: 'The books',
    check: 'writes have a partition for a whole quarter to come',
    looks: 'until when every row has an open quarter to go to',
    means: 'From then on every write fails.',
    advice: 'Run `quartermaster run reconcile-partitions` and see that a worker runs.',
    needs: OURS,
    ask: async (setup) => {
      const { calendar, clock } = await setup.house();
      const { horizon } = await inspectQuarters(await setup.quarters());
      const wanted = calendar.next(calendar.quarterOf(clock.now())).end;
      return horizon >= wanted ? undefined : failed(`They end at ${horizon.toISOString()}.`);
    },
  },
  {
    name: 'quarters',
    group: 'The books',
    check: 'the quarters are as they should be',
    looks:
      'every partition against its table and its quarter: columns, indexes, rights, bounds, fences, and detaches that were interrupted',
    means: 'Rows go astray or are refused, or a quarter cannot be closed or archived.',
    advice:
      'Run `quartermaster reconcile`, and `quartermaster reconcile --fix` for what is safe to mend; docs/runbooks/drift.md says more.',
    needs: OURS,
    late: 'Run `quartermaster reconcile`.',
    ask: async (setup) => {
      const { problems } = await inspectQuarters(await setup.quarters());
      return problems.length === 0 ? undefined : failed(problems.join(' '));
    },
  },
  {
    name: 'statistics',
    group: 'The books',
    check: 'the planner knows the tables',
    looks: 'when partitions and summaries were analyzed, and what has changed since',
    means: 'Lists and reports take a hundred times as long.',
    advice: 'Run `quartermaster run analyze-partitions` and see that a worker runs.',
    needs: SCHEMA,
    late: 'Run `quartermaster run analyze-partitions`, which does what is due.',
    ask: async (setup) => {
      const stale = (await staleStatistics(await setup.db())).filter(matters);
      return stale.length === 0 ? undefined : failed(stale.map(({ detail }) => detail).join(' '));
    },
  },
  {
    name: 'indexes',
    group: 'The books',
    check: 'every index that is needed is there, and works',
    looks:
      'the indexes of our tables: missing ones, and those that are invalid since a build was interrupted',
    means: 'Statements read whole quarters, or writes keep up an index that nobody can use.',
    advice:
      'Run `quartermaster indexes audit` and what it says, or wait for Sunday night, when a worker does.',
    needs: SCHEMA,
    late: 'Run `quartermaster indexes audit`.',
    ask: async (setup) => {
      const db = await setup.db();
      // How bloated they are takes long to find out, and is the job's business.
      const [facts, counted, declared] = [
        await readIndexFacts(db),
        await readCounted(db),
        await readDeclared(db),
      ];
      const { findings } = findFindings({ facts, counted, declared, bloats: [] });
      const broken = findings.filter(({ kind }) => kind === 'invalid' || kind === 'missing');
      return broken.length === 0 ? undefined : failed(some(broken.map(({ detail }) => detail)));
    },
  },
  {
    name: 'summaries',
    group: 'The books',
    check: 'the summaries are no more than ten minutes behind',
    looks: 'days on which something was posted since they were summed up',
    means: 'Reports, charts and daily totals lack what was posted since, or take long to count it.',
    advice: 'See that a worker runs, or run `quartermaster run refresh-summaries`.',
    needs: SCHEMA,
    ask: async (setup) => {
      const calendar = calendarOf(setup.config().timezone);
      const fault = lagFault(await readSummaryLag({ db: await setup.db(), calendar }));
      return fault === undefined ? undefined : failed(fault);
    },
  },
  {
    name: 'balances',
    group: 'The books',
    check:
      'balances equal their entries, of the first 20,000 accounts of each ledger; `run check-ledger` compares all',
    looks: 'the balance of each account against the sum of its entries',
    means: 'Somebody has written past the software: amounts that people see are not what was booked.',
    advice: 'Stop what writes there; docs/runbooks/ledger-imbalance.md says what to do.',
    needs: SCHEMA,
    late: 'Run `quartermaster run check-ledger`, which compares all.',
    ask: async (setup) => {
      const options = { pages: 1, pageSize: setup.limits.compared };
      const violations = await findViolations(await setup.db(), options);
      return violations.length === 0
        ? undefined
        : failed(violations.map(({ ledger, what }) => `${ledger}: ${what}.`).join(' '));
    },
  },
  {
    name: 'ledgers',
    group: 'The books',
    check: 'every ledger is in balance',
    looks: 'debits and credits of each ledger and currency',
    means: 'Money has come from nowhere, or gone there.',
    advice: 'Stop what writes there; docs/runbooks/ledger-imbalance.md says what to do.',
    needs: SCHEMA,
    late: 'Run `quartermaster run check-ledger`.',
    ask: async (setup) => {
      const broken = (await readTotals(await setup.db())).flatMap((ledger) =>
        ledger.currencies
          .filter((totals) => totals.imbalance !== 0n)
          .map((totals) => `${ledger.name} is off by ${totals.imbalance} in ${totals.currency}.`),
      );
      return broken.length === 0 ? undefined : failed(broken.join(' '));
    },
  },
  {
    name: 'keys',
    group: 'The books',
    check: 'there are keys, and those of administrators expire',
    looks: 'the keys of the API (the owner and the API are shown them)',
    means:
      'Nobody has a key that lasts longer than a process; or whoever finds the key of an administrator may do everything, for ever.',
    advice: 'Run `quartermaster keys create --name NAME --role ROLE --expires 90d` as the owner.',
    needs: SCHEMA,
    ask: async (setup) => {
      const { jwksUrl } = setup.config();
      return judgeKeys(
        await listKeys(await setup.db()),
        (await setup.house()).clock.now(),
        jwksUrl !== undefined,
      );
    },
  },
];

interface ListedKey {
  readonly name: string;
  readonly roles: readonly string[];
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

export function judgeKeys(keys: readonly ListedKey[], now: Date, hasTokens: boolean): Fault | undefined {
  const good = keys.filter(
    ({ revokedAt, expiresAt }) => revokedAt === null && (expiresAt === null || expiresAt > now),
  );
  if (good.length === 0) {
    if (hasTokens) return undefined;
    const gone = keys.length === 0 ? 'There is none' : `All ${keys.length} are revoked or have expired`;
    return {
      ...warned(`${gone} in the database, and QM_JWKS_URL is not set.`),
      means: 'Only a key of one process opens the API, as `quartermaster demo` and `dev` print one.',
    };
  }
  const endless = good.filter(({ roles, expiresAt }) => roles.includes('admin') && expiresAt === null);
  if (endless.length === 0) return undefined;
  return {
    ...warned(
      `${some(endless.map(({ name }) => name))} never ${endless.length === 1 ? 'expires' : 'expire'}.`,
      'Make another one with `--expires 90d`, and take this one back: `quartermaster keys revoke ID`.',
    ),
    means: 'Whoever finds the key of an administrator may do everything, for ever.',
  };
}
