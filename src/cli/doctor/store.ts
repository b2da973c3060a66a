import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MANIFEST } from '../../archive/format.ts';
import { sha256 } from '../../archive/manifest.ts';
import type { Store } from '../../archive/store.ts';
import { readManifest } from '../../archive/verify.ts';
import { isAppError } from '../../core/errors.ts';
import { type KnownArchive, readKnownArchives } from '../../db/inspect-archives.ts';
import { directoryOf } from '../../platform/file-url.ts';
import { type Answer, type Check, failed, skipped, some, warned } from './check.ts';

const IN_STORE = ['store', 'schema'];

export const storeChecks: readonly Check[] = [
  {
    name: 'store',
    group: 'The store',
    check: 'the store keeps what it is given',
    looks:
      'five bytes that are put, listed, read back and removed: the place, the credentials and each right that is needed',
    means: 'Quarters cannot be archived, so nothing leaves the database.',
    advice:
      'See that QM_STORE, QM_S3_ENDPOINT, QM_S3_REGION, QM_S3_PATH_STYLE and the credentials lead to a place that may be written.',
    needs: ['settings', 'store-directory'],
    ask: async (setup) => {
      const { s3, store } = setup.config();
      const directory = directoryOf(store);
      if (directory !== undefined && !(await setup.machine.isThere(directory))) {
        return skipped('Its directory is not there yet, and is not made to look at it.');
      }
      try {
        return await probe(await setup.store());
      } catch (error) {
        // The bucket as a part of the host's name is what only Amazon's servers can be relied on to have.
        const isUnknown = /ENOTFOUND|EAI_AGAIN|ERR_TLS_CERT_ALTNAME_INVALID/.test(String(error));
        if (!isUnknown || s3.endpoint === undefined || s3.pathStyle || !isAppError(error)) throw error;
        return failed(
          error.detail,
          'Set QM_S3_PATH_STYLE=on, or see that the name of the endpoint is right.',
        );
      }
    },
  },
  {
    name: 'archives-present',
    group: 'The store',
    check: 'every archive that the database knows is in the store',
    looks: 'the manifests of the newest archives, each by its name and its SHA-256',
    means: 'Quarters that were dropped are nowhere; no others may be dropped.',
    advice:
      'See that QM_STORE and QM_LEDGER_SET are those the archives were written with; else restore the store from its copy, and run `quartermaster quarters verify` on each.',
    needs: IN_STORE,
    ask: async (setup) => {
      const known = await readKnownArchives(await setup.db());
      return findMissing(
        await setup.store(),
        known.slice(0, setup.limits.manifests),
        setup.config().ledgerSet,
      );
    },
  },
  {
    name: 'archives-own',
    group: 'The store',
    check: 'the folder in the store belongs to this database alone',
    looks: 'manifests below QM_STORE and QM_LEDGER_SET of quarters that this database has not archived',
    means:
      'Two databases write into one folder, and the archives of one take the place of those of the other.',
    advice: 'Give each database a QM_LEDGER_SET or a QM_STORE of its own.',
    needs: IN_STORE,
    ask: async (setup) => {
      const { ledgerSet } = setup.config();
      // The store first: what is archived meanwhile is known to the database by the time it is asked.
      const files = await (await setup.store()).list(ledgerSet);
      const known = new Set((await readKnownArchives(await setup.db())).map(({ quarter }) => quarter));
      const foreign = files
        .map(({ path }) => path.split('/'))
        .filter((parts) => parts.length === 3 && parts[2] === MANIFEST && !known.has(parts[1] ?? ''))
        .map((parts) => parts[1] ?? '');
      if (foreign.length === 0) return undefined;
      return failed(
        `${ledgerSet} holds archives of ${some(foreign)}, and this database has written none of ${foreign.length === 1 ? 'it' : 'them'}.`,
      );
    },
  },
];

async function probe(store: Store): Promise<Answer> {
  const folder = await mkdtemp(join(tmpdir(), 'quartermaster-doctor-'));
  // Another doctor may be at work, so each has a folder of its own, which goes when it does.
  const probes = `.doctor-${randomUUID()}`;
  const path = `${probes}/probe`;
  try {
    await writeFile(join(folder, 'probe'), 'probe');
    await store.put(path, join(folder, 'probe'), { probe: true });
    const found = await text(await store.open(path));
    if (found !== 'probe') return failed(`${store.url} did not give back what was put there.`);
    const listed = await store.list(probes);
    if (!listed.some((one) => one.path === path)) {
      return failed(`${store.url} does not list what was put there.`, 'Grant s3:ListBucket on the bucket.');
    }
    return await tryRemoving(store, path);
  } catch (error) {
    // A store may take it and yet not keep it as it is asked to. One that is away is not asked again.
    if (!isAppError(error, 'unavailable')) await store.remove(path).catch(() => {});
    throw error;
  } finally {
    await rm(folder, { recursive: true });
    const made = store.localPath?.(probes);
    if (made !== undefined) await rmdir(made).catch(() => {});
  }
}

/** Archives stay for years; what is removed are the leavings of killed work. So this alone is no more than a warning. */
async function tryRemoving(store: Store, path: string): Promise<Answer> {
  try {
    await store.remove(path);
    return undefined;
  } catch (error) {
    return warned(
      `${store.url} keeps what is to be removed: ${isAppError(error) ? error.detail : String(error)}`,
      'Grant s3:DeleteObject: what killed work leaves is cleared away with it. Where Object Lock is on, this removes no version that is locked.',
    );
  }
}

async function findMissing(
  store: Store,
  archives: readonly KnownArchive[],
  ledgerSet: string,
): Promise<Answer> {
  if (archives.length === 0) return undefined;
  const missing: string[] = [];
  const other: string[] = [];
  const alone = new Set(archives.filter(({ isAlone }) => isAlone).map(({ quarter }) => quarter));
  for (const { quarter, manifest_sha256 } of archives) {
    try {
      const { bytes } = await readManifest(store, `${ledgerSet}/${quarter}`);
      if (sha256(bytes) !== manifest_sha256) other.push(quarter);
    } catch (error) {
      if (isAppError(error, 'not_in_store')) missing.push(quarter);
      else if (isAppError(error) && error.kind === 'corrupt') other.push(quarter);
      else throw error;
    }
  }
  const parts = [
    missing.length > 0
      ? `${some(missing)} of the ${archives.length} newest are missing in ${store.url}/${ledgerSet}`
      : '',
    other.length > 0 ? `the manifest of ${some(other)} there is not the one that was written` : '',
  ].filter(Boolean);
  if (parts.length === 0) return undefined;
  const lost = [...missing, ...other].filter((quarter) => alone.has(quarter));
  const gone = lost.length > 0 ? ` ${some(lost)} ${lost.length === 1 ? 'is' : 'are'} in no other place.` : '';
  return failed(`${parts.join('; ')}.${gone}`);
}
