import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { type Identity, isRole } from '../core/access.ts';
import { assert } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import { isTransient } from '../db/sqlstate.ts';
import { type OnRetry, retry } from '../platform/retry.ts';
import { plainArray } from './arrays.ts';
import { patience } from './batch.ts';
import { recordHouseEvent } from './house-events.ts';

/** No session is longer than a day's work: whoever found an open browser overnight finds it closed. */
export const SESSION_MS = 8 * 3_600_000;

/** A session that asks for nothing for so long is over. */
export const IDLE_MS = 3_600_000;

/** That a session is used is written down so often at most, and not with each of its requests. */
export const SEEN_EVERY_MS = 300_000;

/** Somebody who is signed in, as the table has it: by everything but the secret. */
export interface SessionRow {
  /** The SHA-256 of its secret, in base64url. */
  readonly id: string;
  /** Of the key that opened it. Who that is now, and whether still, the key says. */
  readonly keyId: string | null;
  /** Of a token, who it said it was. */
  readonly identity: Identity | null;
  readonly expiresAt: Date;
  /** When it was used, to five minutes. */
  readonly seenAt: Date;
}

/** Who opens a session, and when. */
export interface Opening {
  readonly actor: string;
  readonly at: Date;
  /** The session that the same browser had. */
  readonly ends?: string | undefined;
  /** The name of a key of the process alone. */
  readonly nameOfOwn?: (keyId: string) => string | undefined;
}

/** The prefix is for secret scanners, and for the log, which knows it by that. */
const SECRET = /^qms_[A-Za-z0-9_-]{43}$/;

/** A secret that nobody has had: 256 random bits. */
export function makeSessionSecret(): string {
  return `qms_${randomBytes(32).toString('base64url')}`;
}

/** What the table knows a session by; undefined of what can be no secret of one. */
export function sessionIdOf(secret: string): string | undefined {
  return SECRET.test(secret) ? createHash('sha256').update(secret).digest('base64url') : undefined;
}

/** Opens a session and says so in the story of the house, and that the one that it replaces ended: all or nothing. */
export async function openSession(
  db: Db,
  session: Omit<SessionRow, 'seenAt'>,
  { actor, at, ends, nameOfOwn }: Opening,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const replaced = ends === undefined ? undefined : await markEnded(trx, ends, at);
    if (replaced !== undefined) {
      const name = await nameOf(trx, replaced, nameOfOwn);
      await recordHouseEvent(trx, { event: 'sign-out', actor: name, detail: { replaced: true } });
    }
    await trx
      .insertInto('quartermaster.sessions')
      .values({
        secret_sha256: digestOf(session.id),
        key_id: session.keyId,
        identity: session.identity && JSON.stringify(session.identity),
        created_at: at,
        seen_at: at,
        expires_at: session.expiresAt,
      })
      .execute();
    const detail = {
      ...(session.keyId === null ? { token: true } : { key: session.keyId }),
      expires_at: session.expiresAt.toISOString(),
    };
    await recordHouseEvent(trx, { event: 'sign-in', actor, detail });
  });
}

/** The sessions of these ids that are not over at `at`. */
export async function findSessions(db: Db, ids: readonly string[], at: Date): Promise<SessionRow[]> {
  const rows = await db
    .selectFrom('quartermaster.sessions')
    .select(['secret_sha256', 'key_id', 'identity', 'expires_at', 'seen_at'])
    .where(sql<boolean>`secret_sha256 = ANY (${digestArray(ids)}::bytea[])`)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', at)
    .where('seen_at', '>', new Date(at.getTime() - IDLE_MS))
    .execute();
  return rows.map((row) => ({
    id: row.secret_sha256.toString('base64url'),
    keyId: row.key_id,
    identity: row.identity && identityOf(row.identity),
    expiresAt: row.expires_at,
    seenAt: row.seen_at,
  }));
}

/** Writes down that a session is used, unless that was done of late; one that is over stays over. */
export async function seeSession(db: Db, id: string, at: Date): Promise<void> {
  await db
    .updateTable('quartermaster.sessions')
    .set({ seen_at: at })
    .where('secret_sha256', '=', digestOf(id))
    .where('seen_at', '<', new Date(at.getTime() - SEEN_EVERY_MS))
    .where('seen_at', '>', new Date(at.getTime() - IDLE_MS))
    .execute();
}

/** Ends a session for good and says so; one that was over already is left as it is. */
export async function endSession(
  db: Db,
  id: string,
  { actor, at }: { actor: string; at: Date },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    if (await markEnded(trx, id, at)) await recordHouseEvent(trx, { event: 'sign-out', actor });
  });
}

/**
 * Says in the story of the house that a key was refused, when it is one that there is or was: under its name, for that is all that
 * is known of who tried.
 */
export async function recordRefusedSignIn(db: Db, keyId: string, ofProcess?: string): Promise<void> {
  const key =
    ofProcess === undefined
      ? await db
          .selectFrom('quartermaster.api_keys')
          .select(['name', 'revoked_at'])
          .where('id', '=', keyId)
          .executeTakeFirst()
      : { name: ofProcess, revoked_at: null };
  if (key === undefined) return;
  const detail = { key: keyId, ...(key.revoked_at && { revoked_at: key.revoked_at.toISOString() }) };
  await recordHouseEvent(db, { event: 'sign-in-refused', actor: key.name, detail });
}

/** Takes away sessions that are over: the rows are of no use to anybody, and who was signed in stands in the story of the house. */
export async function purgeSessions(
  db: Db,
  { at, signal, onRetry }: { at: Date; signal?: AbortSignal | undefined; onRetry?: OnRetry | undefined },
): Promise<{ deleted: number }> {
  const gone = await retry(
    () =>
      db
        .deleteFrom('quartermaster.sessions')
        .where((where) =>
          where.or([
            where('expires_at', '<=', at),
            where('ended_at', 'is not', null),
            where('seen_at', '<=', new Date(at.getTime() - IDLE_MS)),
          ]),
        )
        .executeTakeFirst(),
    { ...patience, retryable: isTransient, onRetry, signal },
  );
  return { deleted: Number(gone.numDeletedRows) };
}

/** Whose it was; undefined of one that was over. */
async function markEnded(db: Db, id: string, at: Date): Promise<Ended | undefined> {
  return db
    .updateTable('quartermaster.sessions')
    .set({ ended_at: at })
    .where('secret_sha256', '=', digestOf(id))
    .where('ended_at', 'is', null)
    .where('expires_at', '>', at)
    .where('seen_at', '>', new Date(at.getTime() - IDLE_MS))
    .returning(['key_id', 'identity'])
    .executeTakeFirst();
}

interface Ended {
  readonly key_id: string | null;
  readonly identity: Record<string, unknown> | null;
}

/** The key may be revoked by now, and then still says whose it was; one of another process alone is told by its id. */
async function nameOf(
  db: Db,
  { key_id, identity }: Ended,
  nameOfOwn?: (keyId: string) => string | undefined,
): Promise<string> {
  if (identity !== null) return identityOf(identity).name;
  const keyId = key_id ?? '';
  const own = nameOfOwn?.(keyId);
  if (own !== undefined) return own;
  const key = await db
    .selectFrom('quartermaster.api_keys')
    .select('name')
    .where('id', '=', keyId)
    .executeTakeFirst();
  return key?.name ?? `key ${keyId}`;
}

function digestOf(id: string): Buffer {
  return Buffer.from(id, 'base64url');
}

/** `{"\\x…",…}`: a backslash is doubled within an array's literal. */
function digestArray(ids: readonly string[]): string {
  return plainArray(ids.map((id) => `"\\\\x${digestOf(id).toString('hex')}"`));
}

/** Only what this software wrote is believed, and a role it does not know gives nothing. */
function identityOf(stored: Record<string, unknown>): Identity {
  const { name, roles, ledgers } = stored;
  const isWhole =
    typeof name === 'string' && Array.isArray(roles) && (ledgers === null || Array.isArray(ledgers));
  assert(isWhole, 'a session without a key says whose it is');
  return { name, roles: roles.filter(isRole), ledgers: ledgers as string[] | null };
}
