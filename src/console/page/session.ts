/** Who is signed in, and what they may do: `GET /v1/session`. */
export interface Session {
  readonly name: string;
  readonly roles: readonly string[];
  /** null: all ledgers. */
  readonly ledgers: readonly string[] | null;
  /** Sent with every request that changes something; null where a key is sent instead of a cookie. */
  readonly csrf_token: string | null;
  readonly expires_at: string | null;
}

/** What the ledger is: `GET /v1/about`. */
export interface About {
  readonly version: string;
  /** Whose days and quarters they are, as Europe/Paris. */
  readonly zone: string;
  readonly currencies: readonly { readonly code: string; readonly exponent: number }[];
  /** The ledgers that the person may see. */
  readonly ledgers: readonly string[];
}

/** True when the person may move quarters: `finance` or `admin`, for all ledgers. */
export function mayMoveQuarters({ roles, ledgers }: Session): boolean {
  return ledgers === null && roles.some((role) => role === 'finance' || role === 'admin');
}

/** What the person may do here, as one says it: `may move quarters and look, in all ledgers`. */
export function rightsInWords({ roles, ledgers }: Session): string {
  const where = ledgers === null ? 'all ledgers' : ledgers.length === 0 ? 'no ledger' : ledgers.join(', ');
  if (roles.includes('admin')) return `may do everything in ${where}`;
  const rights = [
    ...(roles.includes('finance') && ledgers === null ? ['move quarters'] : []),
    ...(roles.includes('writer') ? ['post'] : []),
    'look',
  ];
  return `may ${rights.join(', ').replace(/, (?=[^,]*$)/, ' and ')} in ${where}`;
}
