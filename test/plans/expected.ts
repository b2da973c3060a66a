import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { sql } from 'kysely';
import type { Db } from '../../src/db/schema.ts';
import type { Book } from '../ledger/fixture.ts';
import { examine, type Mode, modes } from './examine.ts';
import { faultsOf, type Shape } from './plan.ts';
import { countedText, shapeText } from './rendering.ts';

/** The version whose plans are kept. Others have other words for the same, and are held to the shape alone. */
const VERSION = 18;
const directory = new URL('./expected/', import.meta.url);
const isWriting = process.env.QM_TEST_WRITE_PLANS === '1';

/** Of what is in the ledger, a booked transaction somewhere in the middle. */
export interface Known {
  readonly at: string;
  readonly id: string;
  readonly accountIds: readonly bigint[];
  /** Two that are pending. */
  readonly reservationIds: readonly string[];
}

export interface Made {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** A statement with its parameters, and what its plan may do. */
export interface Case {
  /** What it is asked for; with the statement a name of its own. */
  readonly name: string;
  /** A statement of sql/queries, or what a builder is called. */
  readonly of: string;
  readonly parameters?: readonly unknown[] | ((known: Known) => readonly unknown[]);
  /** Of a builder: what it makes. */
  readonly made?: (book: Book) => Promise<Made>;
  readonly shape: Shape;
  /** Where the two ways of planning may not use the same. */
  readonly generic?: Partial<Shape>;
  readonly prepare?: (db: Db) => Promise<unknown>;
}

/** What a case's plan does, and what of that its shape does not allow. */
async function examined(book: Book, mode: Mode, one: Case, known: Known | undefined) {
  const given = one.parameters ?? [];
  if (typeof given === 'function' && !known) throw new Error(`${one.name} asks for what is in the ledger`);
  const parameters = typeof given === 'function' ? given(known as Known) : given;
  const statement = one.made === undefined ? one.of : await one.made(book);
  const plan = await examine(book.db, mode, statement, parameters, {
    prepare: one.prepare,
    changes: one.shape.writes !== undefined,
  });
  const shape = mode === 'force_generic_plan' ? { ...one.shape, ...one.generic } : one.shape;
  return { plan, faults: faultsOf(plan, shape) };
}

/** What is wrong with a plan that is not kept, with the plan; empty where it is as it should be. */
export async function planFaults(book: Book, mode: Mode, one: Case, known?: Known): Promise<string> {
  const { plan, faults } = await examined(book, mode, one, known);
  if (faults.length === 0) return '';
  return [
    `${one.of}: ${one.name}: ${faults.join('; ')}`,
    shapeText(plan),
    '-- counted',
    countedText(plan),
  ].join('\n');
}

/** A booked transaction in the middle of 2023, and the last reservations. */
export async function knownOf({ db, ledger }: Book): Promise<Known> {
  const found = await db
    .selectFrom('ledger.transactions')
    .select(['id', 'created_at', 'account_ids'])
    .where('ledger_id', '=', ledger.id)
    .where('created_at', '>', new Date('2023-08-01'))
    .where('status', '=', 'SUCCESS')
    .orderBy('created_at')
    .orderBy('id')
    .executeTakeFirstOrThrow();
  const pending = await db
    .selectFrom('ledger.reservations')
    .select('id')
    .where('state', '=', 'PENDING')
    .orderBy('created_at', 'desc')
    .limit(2)
    .execute();
  return {
    at: found.created_at.toISOString(),
    id: found.id,
    accountIds: found.account_ids,
    reservationIds: pending.map(({ id }) => id),
  };
}

/**
 * Plans as they were when somebody last looked at them: `expected/<statement>.txt`. `QM_TEST_WRITE_PLANS=1 vitest run test/plans`
 * writes them anew, and the diff says what became of them.
 */
export function keptPlans() {
  const kept = new Map<string, Map<string, string>>();
  const seen = new Map<string, Map<string, string>>();
  let isComparable: Promise<boolean> | undefined;
  const titleOf = (one: Case, mode: Mode) =>
    `${one.name}, by a ${mode === modes[0] ? 'custom' : 'generic'} plan`;

  function keptOf(name: string): Map<string, string> {
    const known = kept.get(name) ?? readSections(name);
    kept.set(name, known);
    return known;
  }

  return {
    /** What is wrong with a plan, with the plan that was and the one that is; empty where it is as it should be. */
    async faults(book: Book, mode: Mode, one: Case, known: Known): Promise<string> {
      const { plan, faults } = await examined(book, mode, one, known);
      const [title, text] = [titleOf(one, mode), shapeText(plan)];
      const sections = seen.get(one.of) ?? new Map<string, string>();
      seen.set(one.of, sections.set(title, text));
      const was = keptOf(one.of).get(title);
      isComparable ??= isVersion(book.db);
      if (!isWriting && (await isComparable) && was !== text) faults.push('its plan has changed its shape');
      if (faults.length === 0) return '';
      const counted = countedText(plan);
      return [
        `${one.of}: ${title}: ${faults.join('; ')}`,
        ...[
          '-- the plan that was',
          was ?? '(there was none)',
          '-- the plan that is',
          text,
          '-- counted',
          counted,
        ],
      ].join('\n');
    },
    /** After all cases: writes what is to be kept, or names what is kept and was not seen. */
    end(): string[] {
      if (isWriting) {
        rmSync(directory, { recursive: true, force: true });
        mkdirSync(directory, { recursive: true });
        for (const [name, sections] of seen) {
          const text = [...sections].sort().map(([title, plan]) => `# ${title}\n${plan}\n`);
          writeFileSync(new URL(`${name}.txt`, directory), text.join('\n'));
        }
        return [];
      }
      const names = existsSync(directory)
        ? readdirSync(directory).map((file) => file.replace(/\.txt$/, ''))
        : [];
      return names.flatMap((name) =>
        [...readSections(name).keys()]
          .filter((title) => !seen.get(name)?.has(title))
          .map((title) => `${name}: ${title}`),
      );
    },
  };
}

function readSections(name: string): Map<string, string> {
  const file = new URL(`${name}.txt`, directory);
  if (!existsSync(file)) return new Map();
  const sections = readFileSync(file, 'utf8').split(/^# /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [title = '', ...plan] = section.trimEnd().split('\n');
      return [title, plan.join('\n')];
    }),
  );
}

async function isVersion(db: Db): Promise<boolean> {
  const { rows } = await sql<{ major: number }>`
    SELECT current_setting('server_version_num')::integer / 10000 AS major`.execute(db);
  return rows[0]?.major === VERSION;
}
