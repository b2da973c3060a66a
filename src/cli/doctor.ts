import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { findForeignCode, foreignCodeDetail } from '../db/foreign-code.ts';
import { plannedGrants } from '../db/grants-apply.ts';
import { inspectServer } from '../db/inspect.ts';
import { requireCompatible } from '../db/schema-version.ts';
import { toAppError } from '../db/sqlstate.ts';
import { findZoneFaults } from '../db/zone-data.ts';
import { findViolations } from '../ledger/invariants.ts';
import { readTotals } from '../ledger/totals.ts';
import { protectionOf } from '../platform/database-url.ts';
import { inspectQuarters, previewReconcile, reconcile } from '../quarters/reconcile.ts';
import { lagFault, readSummaryLag } from '../summaries/lag.ts';
import { matters, staleStatistics } from '../summaries/stale.ts';
import { type CommandContext, type CommandKit, command, contextOf } from './command.ts';
import type { CliHouse } from './house.ts';
import { personOf } from './person.ts';
import { renderRepair } from './reconcile.ts';
import { printResult } from './terminal.ts';

/** One question and its answer. `advice` says what to do where it is not ok, and what was done where it was mended. */
interface Finding {
  readonly check: string;
  readonly outcome: 'ok' | 'fixed' | 'failed';
  readonly advice?: string;
}

type Check = (house: CliHouse) => Promise<string | undefined>;

const MAX_SKEW_SECONDS = 5;

/** Accounts of each ledger that are compared here, so that it stays a matter of seconds. The job compares all. */
const COMPARED = 20_000;

/** Checks that fail; each answers with what is wrong and what to do, or with nothing. */
const checks: Readonly<Record<string, Check>> = {
  'PostgreSQL is 15 or newer and takes writes': async ({ database }) => {
    const server = await inspectServer(database.write);
    if (server.version < 150_000) return `It is ${server.version}. Move to PostgreSQL 15 or newer.`;
    return server.inRecovery ? 'QM_DATABASE_URL leads to a standby. Point it at the primary.' : undefined;
  },
  'commits survive a crash': async ({ database }) => {
    const { durable } = await inspectServer(database.write);
    return durable ? undefined : 'fsync or full_page_writes is off. Switch both on.';
  },
  'the clocks agree': async ({ database, clock }) => {
    const { now } = await inspectServer(database.write);
    const skew = Math.abs(now.getTime() - clock.now().getTime()) / 1000;
    return skew <= MAX_SKEW_SECONDS
      ? undefined
      : `They are ${skew.toFixed(0)} s apart. Run NTP on both machines.`;
  },
  'days begin at the same instants in PostgreSQL and here': async ({ database, calendar, clock }) => {
    const [fault, ...others] = await findZoneFaults(database.read, calendar, clock.now());
    if (fault === undefined) return undefined;
    const [here, there] = [fault.expected.toISOString(), fault.postgres.toISOString()];
    return `${others.length + 1} days of ${calendar.zone} do not: ${fault.day} begins at ${here} here, and at ${there} in PostgreSQL. One of the two has old data of time zones: update tzdata on the server, or Node.`;
  },
  'booked rows cannot be rewritten': async ({ database }) => {
    const server = await inspectServer(database.write);
    if (server.superuser) return `${server.role} is a superuser, whom no grant binds. Use a role of its own.`;
    return server.mayRewriteLedger
      ? `${server.role} may UPDATE or DELETE in ledger.transactions or ledger.entries. Revoke that.`
      : undefined;
  },
  'each role may do what it has to, and no more': async ({ database }) => {
    const { did } = await plannedGrants(database.write);
    if (did.length === 0) return undefined;
    const more = did.length > 3 ? ` and ${did.length - 3} more` : '';
    return `What the roles may do is not what it should be; this would mend it: ${did.slice(0, 3).join('; ')}${more}. Run \`quartermaster migrate up\` as the owner.`;
  },
  'the tables run no code but ours': async ({ database }) => {
    const found = await findForeignCode(database.write);
    return found.length === 0 ? undefined : foreignCodeDetail(found);
  },
  'connections beyond this machine are encrypted, to servers that are known': async ({ config }) => {
    const faults = Object.entries({
      QM_DATABASE_URL: config.databaseUrl,
      QM_DIRECT_DATABASE_URL: config.directDatabaseUrl,
      QM_REPLICA_URL: config.replicaUrl,
    }).flatMap(([name, url]) => {
      if (url === undefined) return [];
      const { host, protection } = protectionOf(url);
      if (protection === 'plain') return [`${name} leads to ${host} without TLS`];
      return protection === 'unverified'
        ? [`${name} leads to ${host}, whose certificate nobody looks at`]
        : [];
    });
    if (faults.length === 0) return undefined;
    return `${faults.join('; ')}. Add sslmode=verify-full to the URL, and sslrootcert=/path/to/ca.crt where the CA is your own.`;
  },
  'the store keeps what it is given': async ({ quarters }) => {
    const folder = await mkdtemp(join(tmpdir(), 'quartermaster-doctor-'));
    // Another doctor may be at work.
    const path = `.doctor/probe-${randomUUID()}`;
    try {
      await writeFile(join(folder, 'probe'), 'probe');
      await quarters.store.put(path, join(folder, 'probe'), { probe: true });
      const found = await text(await quarters.store.open(path));
      await quarters.store.remove(path);
      return found === 'probe' ? undefined : `${quarters.store.url} did not give back what was put there.`;
    } catch (error) {
      // A store may take it and yet not keep it as it is asked to.
      await quarters.store.remove(path).catch(() => {});
      throw error;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  'the quarters are as they should be': async ({ quarters }) => {
    const { problems } = await inspectQuarters(quarters);
    return problems.length === 0 ? undefined : problems.join(' ');
  },
  'writes have a partition for a whole quarter to come': async ({ quarters, calendar, clock }) => {
    const { horizon } = await inspectQuarters(quarters);
    const wanted = calendar.next(calendar.quarterOf(clock.now())).end;
    if (horizon !== undefined && horizon >= wanted) return undefined;
    return `They end at ${horizon?.toISOString() ?? 'once'}. Run \`quartermaster run reconcile-partitions\` and see that a worker runs.`;
  },
  'the planner knows the tables': async ({ database }) => {
    const stale = (await staleStatistics(database.write)).filter(matters);
    if (stale.length === 0) return undefined;
    return `${stale.map(({ detail }) => detail).join(' ')} Run \`quartermaster run analyze-partitions\` and see that a worker runs.`;
  },
  'the summaries are no more than ten minutes behind': async ({ database, calendar }) =>
    lagFault(await readSummaryLag({ db: database.write, calendar })),
  [`balances equal their entries, of the first ${COMPARED.toLocaleString('en')} accounts of each ledger; \`run check-ledger\` compares all`]:
    async ({ database }) => {
      const violations = await findViolations(database.read, { pages: 1, pageSize: COMPARED });
      return violations.length === 0
        ? undefined
        : violations.map(({ ledger, what }) => `${ledger}: ${what}.`).join(' ');
    },
  'every ledger is in balance': async ({ database }) => {
    const broken = (await readTotals(database.read)).flatMap((ledger) =>
      ledger.currencies
        .filter((totals) => totals.imbalance !== 0n)
        .map((totals) => `${ledger.name} is off by ${totals.imbalance} in ${totals.currency}.`),
    );
    return broken.length === 0 ? undefined : broken.join(' ');
  },
};

interface Options {
  readonly json?: boolean;
  readonly fix?: boolean;
  readonly dryRun?: boolean;
}

/**
 * `quartermaster doctor`: looks at the set-up and at the invariants that live in the data. It changes nothing, but with
 * `--fix`, which first does what `quartermaster reconcile --fix` does.
 */
export function doctorCommand(kit: CommandKit): Command {
  return command('doctor', 'check the set-up and the books, and say what to do', [
    'doctor',
    'doctor --json',
    'doctor --fix --dry-run',
  ])
    .option('--fix', 'first mend what is safe to mend')
    .option('--dry-run', 'with --fix: mend nothing, and say what would be')
    .action(async (options: Options) => {
      const context = contextOf(kit, options, 'error');
      const findings = await examine(context, options);
      printResult(context.terminal, findings, (all) => all.map(renderFinding).join('\n'));
      const failed = findings.filter((finding) => finding.outcome === 'failed');
      if (failed.length > 0) {
        throw new AppError('config', 'unhealthy', `${failed.length} of ${findings.length} checks failed.`);
      }
    });
}

/** Mends what is safe, each thing as a finding of its own. */
async function mend(house: CliHouse, context: CommandContext, isDry: boolean): Promise<Finding[]> {
  const wanted = { fix: true, create: house.config.createQuarters };
  const run = { actor: personOf(), signal: context.entry.signal };
  const report = await (isDry
    ? previewReconcile(house.quarters, wanted)
    : reconcile(house.quarters, run, wanted));
  return [
    ...report.fixed.map((repair) => ({
      check: `${repair.relation} is as its table`,
      outcome: isDry ? ('failed' as const) : ('fixed' as const),
      advice: renderRepair(repair, isDry ? 'would be' : 'was'),
    })),
    ...report.failed.map(({ what, detail }) => ({
      check: `${what} can be mended`,
      outcome: 'failed' as const,
      advice: detail,
    })),
  ];
}

async function examine(context: CommandContext, options: Options): Promise<Finding[]> {
  const { entry, config, logger } = context;
  const findings: Finding[] = [];
  // Without these two nothing else can be asked.
  const schema = 'the schema is the one this version needs';
  try {
    const status = await entry.migrationStatus(config);
    try {
      requireCompatible(status);
    } catch (error) {
      return [{ check: schema, outcome: 'failed', advice: toAppError(error).detail }];
    }
    findings.push({ check: schema, outcome: 'ok' });
  } catch (error) {
    return [{ check: 'the database answers', outcome: 'failed', advice: toAppError(error).detail }];
  }
  const house = await entry.openHouse(config, logger);
  try {
    if (options.fix === true) findings.push(...(await mend(house, context, options.dryRun === true)));
    for (const [check, ask] of Object.entries(checks)) {
      const advice = await ask(house).catch((error: unknown) => toAppError(error).detail);
      findings.push(advice === undefined ? { check, outcome: 'ok' } : { check, outcome: 'failed', advice });
    }
  } finally {
    await house.close();
  }
  return findings;
}

function renderFinding({ check, outcome, advice }: Finding): string {
  const words = { ok: 'ok    ', fixed: 'fixed ', failed: 'FAILED' };
  return `${words[outcome]}  ${check}${advice === undefined ? '' : `\n        ${advice}`}`;
}
