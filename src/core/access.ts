/** What a caller may do. `admin` may do everything; each of the others only what its name says, and read. */
export const ROLES = ['reader', 'writer', 'finance', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who calls, as their key or token says. */
export interface Identity {
  /** For the log and for events: the name of the key, or the subject of the token. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** null: all ledgers, those to come included. */
  readonly ledgers: readonly string[] | null;
}

export function isRole(text: unknown): text is Role {
  return (ROLES as readonly unknown[]).includes(text);
}

/**
 * True when the identity may do what `role` may, in that ledger. Without a ledger it concerns the house as a whole, as
 * closing a quarter or creating a ledger does: who is let into some ledgers only may read there and change nothing.
 */
export function allows({ roles, ledgers }: Identity, role: Role, ledger?: string): boolean {
  if (!roles.includes('admin') && !roles.includes(role) && !(role === 'reader' && roles.length > 0))
    return false;
  if (ledgers === null) return true;
  return ledger === undefined ? role === 'reader' : ledgers.includes(ledger);
}
