import type { Declared } from '../archive/contents.ts';
import { FORMAT_VERSION } from '../archive/format.ts';
import type { Manifest } from '../archive/manifest.ts';
import type { ProvedContents } from '../archive/proof.ts';
import { assert } from '../core/errors.ts';
import type { Trx } from '../db/schema.ts';
import type { Approval } from './approvals.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import { readQuarter } from './registry.ts';

/** The manifest of files that were read back and found to be the quarter. */
export async function composeManifest(
  trx: Trx,
  house: QuarterHouse,
  run: QuarterRun,
  declared: Declared,
  contents: ProvedContents,
  approval: Approval | undefined,
  previous: string | null,
): Promise<Manifest> {
  const { quarter, starts_at, ends_at, tables } = declared;
  return {
    format: 'quartermaster-archive',
    format_version: FORMAT_VERSION,
    ledger_set: house.ledgerSet,
    quarter,
    starts_at,
    ends_at,
    zone: house.calendar.zone,
    closed: await readClose(trx, quarter),
    archived: {
      by: run.actor,
      at: house.clock.now().toISOString(),
      reason: run.reason ?? null,
      software: `quartermaster ${house.version}`,
      requested_by: approval?.requested_by ?? null,
      requested_at: approval?.requested_at.toISOString() ?? null,
      approved_by: approval?.approved_by ?? null,
      approved_at: approval?.approved_at?.toISOString() ?? null,
    },
    previous_manifest_sha256: previous,
    digest: contents.digest,
    tables: tables.map(({ name, kind, rows, key, columns, files }) => ({
      name,
      kind,
      rows,
      digest: digestIn(contents, name) ?? '',
      key,
      columns,
      files,
    })),
    ledgers: await withNames(trx, contents),
  };
}

/** The digest of one table. */
export function digestIn({ tables }: ProvedContents, name: string): string | undefined {
  return tables.find((table) => table.name === name)?.digest;
}

async function readClose(trx: Trx, quarter: string): Promise<Manifest['closed']> {
  const { closed_at } = await readQuarter(trx, quarter);
  assert(closed_at, `${quarter} has no time of its close`);
  const event = await trx
    .selectFrom('quartermaster.quarter_events')
    .select('actor')
    .where('quarter', '=', quarter)
    .where('event', '=', 'close')
    .orderBy('id', 'desc')
    .executeTakeFirst();
  return { by: event?.actor ?? 'unknown', at: closed_at.toISOString() };
}

async function withNames(trx: Trx, { ledgers }: ProvedContents): Promise<Manifest['ledgers']> {
  const rows = await trx.selectFrom('ledger.ledgers').select(['id', 'name']).execute();
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  return ledgers.map(({ id, currencies }) => ({ id, name: names.get(id) ?? '', currencies }));
}
