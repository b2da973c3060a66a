import { formatBytes } from '../format.ts';
import { ownText } from '../own.ts';
import { untilWords } from './calendar.ts';
import { plural } from './words.ts';

/** An event of a quarter's story, or a report of what was done to it. */
export interface Told {
  /** What happened: `closed`. */
  readonly title: string;
  /** What came of it, a sentence or a phrase each. */
  readonly says: readonly string[];
  readonly tone: 'plain' | 'good' | 'bad';
}

type Detail = Readonly<Record<string, unknown>>;
type Teller = (detail: Detail, zone: string) => Told;

const plain = (title: string, says: readonly (string | undefined)[] = []): Told => ({
  title,
  says: says.filter((one) => one !== undefined),
  tone: 'plain',
});

/** Each event that is written today; what others may come to be is told by its names and values. */
const tellers: Readonly<Record<string, Teller>> = {
  create: (detail) => plain('created', [tablesIn('tables', detail.created)]),
  complete: (detail) =>
    plain('completed: tables that were missing were made', [tablesIn('tables', detail.created)]),
  close: (detail) => ({
    ...plain(detail.again === true ? 'closed again' : 'closed', [
      count(detail.transactions, 'transaction'),
      count(detail.entries, 'entry', 'entries'),
      detail.accounts === undefined ? undefined : `${count(detail.accounts, 'account')} moved`,
      hash('content', detail.digest),
    ]),
    tone: 'good',
  }),
  close_refused: (detail) => ({
    ...plain('close refused: the books are not right', failedChecks(detail.checks)),
    tone: 'bad',
  }),
  reopen: () => plain('reopened'),
  stale: (detail) => plain(`its close does not count any more: ${String(detail.reopened)} was reopened`),
  archive_requested: () => plain('archive asked for; somebody else has to approve it'),
  drop_requested: () => plain('drop asked for; somebody else has to approve it'),
  approve: (detail) =>
    plain(`${String(detail.verb)} approved`, [`${ownText(String(detail.requested_by))} had asked for it`]),
  archive: (detail) => ({
    ...plain('archived', [
      count(detail.rows, 'row'),
      bytes(detail.bytes),
      detail.location === undefined ? undefined : `in ${String(detail.location)}`,
      hash('manifest', detail.manifest_sha256),
    ]),
    tone: 'good',
  }),
  verify: (detail) => ({
    ...plain('archive verified', [count(detail.rows, 'row'), bytes(detail.bytes)]),
    tone: 'good',
  }),
  verify_failed: (detail) => ({ ...plain('archive found damaged', [text(detail.detail)]), tone: 'bad' }),
  detach: (detail) =>
    plain('detached', [
      tablesIn('out of the ledger', detail.detached),
      detail.repaired === true ? 'its tables had left already' : undefined,
    ]),
  drop: (detail) =>
    plain('dropped', [
      tablesIn('tables', detail.dropped),
      approvedBy(detail),
      tablesIn('gone before', detail.missing),
    ]),
  restore: (detail, zone) =>
    plain(detail.into === undefined ? 'restored' : `copied into the schema ${String(detail.into)}`, [
      until(detail.until, zone),
      tablesIn('from the archive', detail.loaded),
      detail.mended === true ? 'what was missing of it was put back' : undefined,
    ]),
  restore_extended: (detail, zone) =>
    plain(
      detail.into === undefined ? 'restored for longer' : `copy in ${String(detail.into)} kept for longer`,
      [until(detail.until, zone)],
    ),
  release: (detail) =>
    plain(
      detail.into === undefined
        ? 'released: out of the ledger again'
        : `copy in ${String(detail.into)} dropped`,
    ),
  hold: () => plain('held'),
  unhold: (detail) =>
    plain('hold ended', [
      detail.was === null ? undefined : `it was held for: ${ownText(String(detail.was))}`,
    ]),
  freeze: (detail) =>
    plain('frozen, so that PostgreSQL need not read it again', [count(detail.pages, 'page')]),
  repair: (detail) => ({
    ...plain(`repaired: ${String(detail.relation)}`, [
      text(detail.code),
      ...(Array.isArray(detail.did) ? detail.did.map(String) : []),
    ]),
    tone: 'bad',
  }),
};

export function tell(event: string, detail: Detail, zone: string): Told {
  const teller = tellers[event];
  if (teller !== undefined) return teller(detail, zone);
  const rest = Object.entries(detail).map(
    ([name, value]) => `${name.replaceAll('_', ' ')}: ${anything(value)}`,
  );
  return plain(event.replaceAll('_', ' '), rest);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Counts come as numbers, or as texts where they may be large. */
function count(value: unknown, one: string, many?: string): string | undefined {
  if (typeof value !== 'number' && (typeof value !== 'string' || !/^\d+$/.test(value))) return undefined;
  return plural(Number(value), one, many);
}

function bytes(value: unknown): string | undefined {
  return value === undefined || Number.isNaN(Number(value)) ? undefined : formatBytes(Number(value));
}

function hash(what: string, value: unknown): string | undefined {
  return typeof value === 'string' ? `${what} ${value.slice(0, 16)}…` : undefined;
}

function tablesIn(what: string, value: unknown): string | undefined {
  return Array.isArray(value) && value.length > 0 ? `${what}: ${value.join(', ')}` : undefined;
}

function until(value: unknown, zone: string): string | undefined {
  return typeof value === 'string' ? `until ${untilWords(value, zone)}` : undefined;
}

function approvedBy({ requested_by, approved_by }: Detail): string | undefined {
  if (typeof approved_by !== 'string') return undefined;
  return `asked for by ${ownText(String(requested_by))}, approved by ${ownText(approved_by)}`;
}

function failedChecks(checks: unknown): string[] {
  if (!Array.isArray(checks)) return [];
  return (checks as { name: string; ok: boolean; detail: string }[])
    .filter(({ ok }) => !ok)
    .map(({ name, detail }) => `${name}: ${detail}`);
}

function anything(value: unknown): string {
  if (Array.isArray(value)) return value.map(anything).join(', ');
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : ownText(String(value));
}
