import { findInArchive } from '../archive/lookup.ts';
import { formatAddress } from '../core/account.ts';
import { AppError, isAppError } from '../core/errors.ts';
import { bookableInstantOf } from '../core/id.ts';
import { parseJson } from '../core/json.ts';
import { readOfflineQuarters } from '../db/offline-quarters.ts';
import type { Db } from '../db/schema.ts';
import type { FindArchived } from '../ledger/prepare.ts';
import type { TransactionView } from '../ledger/transaction-view.ts';
import { archiveFolder, readArchive } from '../quarters/archives.ts';
import type { QuarterHouse } from '../quarters/context.ts';
import { readQuarters } from '../quarters/registry.ts';

/**
 * Finds transactions whose quarter has left the database, in its archive. To be asked when one was not found in the database:
 * a quarter that is just being detached or released has left before its state says so, and one that is restored may have come
 * back since.
 */
export function findArchivedIn({ database, store, ledgerSet }: QuarterHouse): FindArchived {
  return async (ledgerId, id): Promise<TransactionView | undefined> => {
    const createdAt = bookableInstantOf(id);
    if (!createdAt) return undefined;
    const quarter = await readArchivedQuarter(database.write, createdAt);
    if (quarter === undefined) return undefined;
    const { manifest_sha256: manifestSha256 } = await readArchive(database.write, quarter);
    const key = { ledgerId, id, createdAt, manifestSha256 };
    const found = await findInArchive(store, archiveFolder(ledgerSet, quarter), key).catch(asDamage);
    return (
      found && {
        id,
        createdAt,
        userId: found.user_id,
        status: found.status,
        currency: found.currency,
        amount: BigInt(found.amount),
        referenceCode: found.reference_code,
        description: found.description,
        effectiveAt: found.effective_ms === null ? null : new Date(found.effective_ms),
        metadata: found.metadata === null ? null : (parseJson(found.metadata) as Record<string, unknown>),
        reverses: found.reverses,
        settles: found.settles,
        reservation: null,
        entries: found.entries.map((entry) => ({
          account: formatAddress({ entityId: entry.entity_id, groupType: entry.group_type }),
          currency: entry.currency,
          amount: BigInt(entry.amount),
          balanceAfter: BigInt(entry.balance_after),
          version: BigInt(entry.version),
        })),
      }
    );
  };
}

/** The quarter of an instant when its rows are in its archive and may not have been in the database a moment ago. */
async function readArchivedQuarter(db: Db, at: Date): Promise<string | undefined> {
  const [offline] = await readOfflineQuarters(db, at, new Date(at.getTime() + 1));
  if (offline !== undefined) return offline.name;
  const quarters = await readQuarters(db);
  return quarters.find((row) => row.state === 'restored' && row.starts_at <= at && at < row.ends_at)?.quarter;
}

/** For a catch: an archive that lacks a file is damaged. To who asked for a transaction that is not the same as that there is none. */
export function asDamage(error: unknown): never {
  if (!isAppError(error, 'not_in_store')) throw error;
  throw new AppError('corrupt', 'archive_damaged', `The archive is not whole: ${error.detail}`, {
    cause: error,
  });
}
