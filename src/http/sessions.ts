import type { Identity } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, isAppError } from '../core/errors.ts';
import { parseToken } from '../ledger/keys.ts';
import {
  makeSessionSecret,
  type Opening,
  SEEN_EVERY_MS,
  SESSION_MS,
  type SessionRow,
  sessionIdOf,
} from '../ledger/sessions.ts';
import type { Credentials } from './authenticator.ts';
import { createLookup, createMemory } from './lookup.ts';
import { createKeyAttempts } from './sign-in-attempts.ts';

/** Somebody who is signed in. */
export interface SignedIn {
  readonly identity: Identity;
  /** The first instant at which they are no more. */
  readonly expiresAt: Date;
}

/** Who is signed in to the page for people. */
export interface Sessions {
  /**
   * `had`: the secret of the session that the same browser has, which ends. `seconds`: how long the new one lasts.
   *
   * @throws AppError unauthenticated/invalid_token, forbidden/forbidden, busy/too_many_sign_ins, and what looking a key up throws
   */
  signIn(
    token: string,
    had?: string,
  ): Promise<SignedIn & { readonly secret: string; readonly seconds: number }>;
  /**
   * `unattended`: the page asks by itself, with nobody there, which puts off the end of a session that is not used by nothing.
   *
   * @throws AppError unauthenticated/session_ended, and what looking a session or its key up throws
   */
  find(secret: string, options?: { readonly unattended?: boolean }): Promise<SignedIn>;
  signOut(secret: string, actor: string): Promise<void>;
}

/** What sessions are kept in. */
export interface SessionTable {
  open(row: Omit<SessionRow, 'seenAt'>, by: Opening): Promise<void>;
  find(ids: readonly string[], at: Date): Promise<readonly SessionRow[]>;
  /** Writes down that it is used. */
  see(id: string, at: Date): Promise<void>;
  end(id: string, by: { actor: string; at: Date }): Promise<void>;
  /** Told of a sign-in with a key that was no good: its id, and its name where it is one of the process alone. */
  refused(keyId: string, ofProcess: string | undefined): Promise<void>;
}

export interface SessionsOptions {
  readonly credentials: Credentials;
  readonly table: SessionTable;
  readonly clock: Clock;
  /** How many are remembered. */
  readonly limit?: number;
}

/**
 * Sessions that a key or a token opened. Who one is says the key, asked each time as for a request that brings the key itself: revoke it,
 * and within TTL_MS its sessions are over. A token says it once, and the session ends with it at the latest.
 */
export function createSessions({ credentials, table, clock, limit = 10_000 }: SessionsOptions): Sessions {
  const rows = createLookup((ids) => table.find(ids, clock.now()), clock, limit);
  const seen = createMemory<true>(clock, limit);
  const [signIns, refusals] = [createKeyAttempts(clock), createKeyAttempts(clock)];

  async function find(secret: string, { unattended = false } = {}): Promise<SignedIn> {
    const id = sessionIdOf(secret);
    const row = id === undefined ? undefined : await rows.find(id);
    if (row === undefined || row.expiresAt <= clock.now()) throw ended();
    const identity = row.identity ?? (await credentials.ofKey(row.keyId ?? ''))?.identity;
    if (identity === undefined) throw ended();
    const at = clock.now();
    // What is remembered of the row may be older than what was written down.
    if (!unattended && at.getTime() - row.seenAt.getTime() > SEEN_EVERY_MS && !seen.get(row.id)) {
      seen.set(row.id, true, at.getTime());
      await table.see(row.id, at);
    }
    return { identity, expiresAt: row.expiresAt };
  }

  async function open(token: string) {
    try {
      return await credentials.open(token);
    } catch (error) {
      const id = parseToken(token)?.id;
      if (id !== undefined && isAppError(error, 'unauthenticated') && refusals.has(id)) {
        await table.refused(id, credentials.nameOfOwn(id));
      }
      throw error;
    }
  }

  return {
    find,

    async signIn(token, had) {
      const { identity, keyId, until } = await open(token);
      if (identity.roles.length === 0) {
        const detail = `${identity.name} has no role, so there is nothing to see. A key with the role reader shows everything.`;
        throw new AppError('forbidden', 'forbidden', detail);
      }
      signIns.take(keyId ?? `token ${identity.name}`);
      const at = clock.now();
      const expiresAt = new Date(Math.min(at.getTime() + SESSION_MS, until));
      const secret = makeSessionSecret();
      const row = {
        id: sessionIdOf(secret) ?? '',
        keyId: keyId ?? null,
        identity: keyId === undefined ? identity : null,
        expiresAt,
      };
      const ends = had === undefined ? undefined : sessionIdOf(had);
      await table.open(row, { actor: identity.name, at, ends, nameOfOwn: credentials.nameOfOwn });
      if (ends !== undefined) rows.forget(ends);
      const seconds = Math.floor((expiresAt.getTime() - at.getTime()) / 1000);
      return { identity, expiresAt, secret, seconds };
    },

    async signOut(secret, actor) {
      const id = sessionIdOf(secret);
      if (id === undefined) return;
      await table.end(id, { actor, at: clock.now() });
      rows.forget(id);
    },
  };
}

function ended(): AppError {
  return new AppError('unauthenticated', 'session_ended', 'The session has ended. Sign in again.');
}
