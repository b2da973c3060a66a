import { formatAddress } from '../core/account.ts';
import { assert } from '../core/errors.ts';
import type { Db } from '../db/schema.ts';
import type { AccountName } from './accounts.ts';
import { plainArray } from './arrays.ts';
import { query } from './query.ts';

/** What accounts are called, by their ids. It never changes, so what is remembered stays true. */
export interface AccountNames {
  of(db: Db, ledgerId: number, ids: readonly bigint[]): Promise<ReadonlyMap<bigint, AccountName>>;
}

interface NameRow {
  readonly id: bigint;
  readonly entity_id: string;
  readonly group_type: string;
  readonly currency: string;
}

const accountsById = query<NameRow>('accounts_by_id');

/** Remembers up to `limit` names, and forgets all when full: what is busy is soon known again. */
export function createAccountNames(limit = 200_000): AccountNames {
  const known = new Map<string, AccountName>();
  return {
    async of(db, ledgerId, ids) {
      const key = (id: bigint) => `${ledgerId} ${id}`;
      const names = new Map<bigint, AccountName>();
      const missing: bigint[] = [];
      for (const id of ids) {
        const name = known.get(key(id));
        if (name) names.set(id, name);
        else missing.push(id);
      }
      if (missing.length === 0) return names;
      for (const row of await accountsById(db, [ledgerId, plainArray(missing)])) {
        const address = formatAddress({ entityId: row.entity_id, groupType: row.group_type });
        names.set(row.id, { address, currency: row.currency });
      }
      // Only now, for what is forgotten here, or by another call meanwhile, is among the names already.
      if (known.size + missing.length > limit) known.clear();
      for (const id of missing) {
        const name = names.get(id);
        assert(name, `there is no account ${id}`);
        known.set(key(id), name);
      }
      return names;
    },
  };
}
