import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { sql } from 'kysely';
import { isRole, type Role } from '../core/access.ts';
import { AppError, assert } from '../core/errors.ts';
import { requireNoForeignCode } from '../db/foreign-code.ts';
import type { Db } from '../db/schema.ts';
import { textArray } from './arrays.ts';
import { recordHouseEvent } from './house-events.ts';
import { requireLedger } from './ledgers.ts';

/** A bearer key as it is known here: by everything but its secret. */
export interface Key {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  /** null: all ledgers, those to come included. */
  readonly ledgers: readonly string[] | null;
  readonly secretSha256: Buffer;
  /** The first instant at which it is no good any more; null for none. */
  readonly expiresAt: Date | null;
}

export interface NewKey {
  readonly name: string;
  /** At least one. */
  readonly roles: readonly Role[];
  /** null for all; else at least one. */
  readonly ledgers: readonly string[] | null;
  readonly expiresAt?: Date | null | undefined;
}

/** A key as it is listed: there is nothing in it that opens anything. */
export interface KeyListing extends Omit<Key, 'secretSha256'> {
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ID = /^[a-z0-9]{12}$/;

/** Its parts are of fixed length, for a secret may hold the _ that is between them. The prefix is for secret scanners. */
const TOKEN = /^qm_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/;

/** What the secret of a key that is not there is compared with: nothing is known to have this digest. */
const NOBODY = Buffer.alloc(32);

/** Makes a key that is known to nobody yet. The token is all that opens it, and nobody can make it again from the key. */
export function makeKey({ name, roles, ledgers, expiresAt = null }: NewKey): { token: string; key: Key } {
  const id = Array.from({ length: 12 }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join('');
  const secret = randomBytes(32).toString('base64url');
  const key = { id, name, roles, ledgers, expiresAt, secretSha256: digestOf(secret) };
  return { token: `qm_${id}_${secret}`, key };
}

/** The parts of a token; undefined when it is not one of ours. */
export function parseToken(token: string): { id: string; secret: string } | undefined {
  const [, id, secret] = TOKEN.exec(token) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/**
 * True when the secret opens the key. It takes as long when there is no key, and wherever the first difference is, so
 * that the time tells neither which ids there are nor how much of a secret is right.
 */
export function secretOpens(secret: string, key: Key | undefined): boolean {
  const same = timingSafeEqual(digestOf(secret), key?.secretSha256 ?? NOBODY);
  return same && key !== undefined;
}

/** One round of SHA-256 is enough for 256 random bits: nobody can try them all, however fast. */
function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/**
 * Makes a key and keeps all of it but the secret: the token is given this once. `actor`: who the story of the house says made it.
 *
 * @throws AppError invalid/invalid_key_name, not_found/no_such_ledger, config/foreign_code
 */
export async function createKey(
  db: Db,
  wanted: NewKey,
  actor = 'keys',
): Promise<{ id: string; token: string }> {
  const { name, roles, ledgers } = wanted;
  assert(roles.length > 0 && ledgers?.length !== 0, 'a key has a role, and all ledgers or one at least');
  if (!/^\P{C}{1,100}$/u.test(name)) {
    const detail = 'The name of a key has 1 to 100 characters, and none of them a control character.';
    throw new AppError('invalid', 'invalid_key_name', detail);
  }
  // The names are looked up in a table of the worker's, by the owner.
  if (ledgers !== null) await requireNoForeignCode(db);
  for (const ledger of ledgers ?? []) await requireLedger(db, ledger);
  const { token, key } = makeKey({ ...wanted, ledgers: ledgers && [...new Set(ledgers)] });
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('quartermaster.api_keys')
      .values({
        id: key.id,
        name,
        secret_sha256: key.secretSha256,
        roles: [...new Set(roles)],
        ledgers: key.ledgers && [...key.ledgers],
        expires_at: key.expiresAt,
      })
      .execute();
    const detail = { key: key.id, name, roles, ledgers, expires_at: key.expiresAt?.toISOString() ?? null };
    await recordHouseEvent(trx, { event: 'key-create', actor, detail });
  });
  return { id: key.id, token };
}

/** The keys of these ids that were not revoked. One that has expired is among them: that is for who has a clock. */
export async function findKeys(db: Db, ids: readonly string[]): Promise<Key[]> {
  const rows = await db
    .selectFrom('quartermaster.api_keys')
    .select(['id', 'name', 'roles', 'ledgers', 'secret_sha256', 'expires_at'])
    .where(sql<boolean>`id = ANY (${textArray(ids)}::text[])`)
    .where('revoked_at', 'is', null)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    roles: row.roles.filter(isRole),
    ledgers: row.ledgers,
    secretSha256: row.secret_sha256,
    expiresAt: row.expires_at,
  }));
}

/** All keys ever made, the oldest first. */
export async function listKeys(db: Db): Promise<KeyListing[]> {
  const rows = await db
    .selectFrom('quartermaster.api_keys')
    .select(['id', 'name', 'roles', 'ledgers', 'created_at', 'expires_at', 'revoked_at'])
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    roles: row.roles.filter(isRole),
    ledgers: row.ledgers,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }));
}

/**
 * Takes a key back for good, and gives the instant at which that was done: revoking it again changes nothing. Every
 * process that still remembers the key, or a session that it opened, forgets it within seconds.
 *
 * @throws AppError not_found/no_such_key
 */
export async function revokeKey(
  db: Db,
  id: string,
  actor = 'keys',
): Promise<{ id: string; revokedAt: Date }> {
  return db.transaction().execute(async (trx) => {
    const key = await trx
      .selectFrom('quartermaster.api_keys')
      .select(['name', 'revoked_at'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (key === undefined) throw noSuchKey(id);
    if (key.revoked_at !== null) return { id, revokedAt: key.revoked_at };
    const { revoked_at: revokedAt } = await trx
      .updateTable('quartermaster.api_keys')
      .set({ revoked_at: sql<Date>`now()` })
      .where('id', '=', id)
      .returning('revoked_at')
      .executeTakeFirstOrThrow();
    assert(revokedAt, 'it was written just now');
    await recordHouseEvent(trx, { event: 'key-revoke', actor, detail: { key: id, name: key.name } });
    return { id, revokedAt };
  });
}

/** What is no id may be a token that was pasted here, and a token is not repeated. */
function noSuchKey(id: string): AppError {
  const which = ID.test(id) ? `key ${id}` : 'such key';
  const detail = `There is no ${which}. \`quartermaster keys list\` shows the ids, of 12 letters and digits each.`;
  return new AppError('not_found', 'no_such_key', detail);
}
