import type { Db } from './schema.ts';

/** What the database knows of an archive, and what its quarter is. */
export interface KnownArchive {
  readonly quarter: string;
  readonly location: string;
  readonly manifest_sha256: string;
  readonly digest: string;
  /** Its rows are nowhere else. */
  readonly isAlone: boolean;
}

/** The newest first. */
export async function readKnownArchives(db: Db): Promise<KnownArchive[]> {
  const rows = await db
    .selectFrom('quartermaster.archives as a')
    .innerJoin('quartermaster.quarters as q', 'q.quarter', 'a.quarter')
    .select(['a.quarter', 'a.location', 'a.manifest_sha256', 'a.digest', 'q.state'])
    .orderBy('a.quarter', 'desc')
    .execute();
  return rows.map(({ state, ...row }) => ({ ...row, isAlone: state === 'dropped' }));
}
