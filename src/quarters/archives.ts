import { sql } from 'kysely';
import { FORMAT_VERSION } from '../archive/format.ts';
import { type Manifest, manifestText, sha256 } from '../archive/manifest.ts';
import { AppError } from '../core/errors.ts';
import type { Db, Trx } from '../db/schema.ts';

/** What the database knows of an archive. */
export interface ArchiveRow {
  readonly quarter: string;
  readonly location: string;
  readonly manifest_sha256: string;
  readonly digest: string;
  readonly rows: bigint;
  readonly bytes: bigint;
}

/** The folder of a quarter's archive in the store. */
export function archiveFolder(ledgerSet: string, quarter: string): string {
  return `${ledgerSet}/${quarter}`;
}

/** @throws AppError corrupt/archive_unknown */
export async function readArchive(db: Db, quarter: string): Promise<ArchiveRow> {
  const row = await db
    .selectFrom('quartermaster.archives')
    .select(['quarter', 'location', 'manifest_sha256', 'digest', 'rows', 'bytes'])
    .where('quarter', '=', quarter)
    .executeTakeFirst();
  if (row !== undefined) return row;
  const detail = `${quarter} is archived, and the database does not know where: its row in quartermaster.archives is missing.`;
  throw new AppError('corrupt', 'archive_unknown', detail);
}

/**
 * The SHA-256 of the manifest that was archived last: the one that no other follows. Until the transaction ends nobody
 * else can ask, so that two quarters archived at the same time do not both follow the same.
 */
export async function takeChainHead(trx: Trx): Promise<string | null> {
  await sql`LOCK TABLE quartermaster.archives IN SHARE ROW EXCLUSIVE MODE`.execute(trx);
  const row = await trx
    .selectFrom('quartermaster.archives as last')
    .select('last.manifest_sha256')
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('quartermaster.archives as later')
            .select('later.quarter')
            .whereRef('later.previous_manifest_sha256', '=', 'last.manifest_sha256'),
        ),
      ),
    )
    .executeTakeFirst();
  return row?.manifest_sha256 ?? null;
}

/** Records an archive and its files. */
export async function insertArchive(
  trx: Trx,
  manifest: Manifest,
  location: string,
  at: Date,
): Promise<ArchiveRow> {
  const { quarter, digest } = manifest;
  const files = manifest.tables.flatMap((table) =>
    table.files.map((file) => ({
      quarter,
      path: file.path,
      table_name: table.name,
      rows: BigInt(file.rows),
      bytes: BigInt(file.bytes),
      sha256: file.sha256,
    })),
  );
  const row: ArchiveRow = {
    quarter,
    location,
    manifest_sha256: sha256(manifestText(manifest)),
    digest,
    rows: files.reduce((sum, { rows }) => sum + rows, 0n),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0n),
  };
  await trx
    .insertInto('quartermaster.archives')
    .values({
      ...row,
      format_version: FORMAT_VERSION,
      previous_manifest_sha256: manifest.previous_manifest_sha256,
      written_at: at,
      verified_at: at,
    })
    .execute();
  await trx.insertInto('quartermaster.archive_files').values(files).execute();
  return row;
}
