import { type Static, Type } from 'typebox';
import { parseAddress } from '../core/account.ts';
import type { Calendar } from '../core/quarter.ts';
import { type AccountSearch, MAX_ACCOUNTS } from '../ledger/account-list.ts';
import { createParameters, isId } from './query.ts';

const IDS = `ids with commas between them, up to ${MAX_ACCOUNTS}`;
const GROUPS = 'upper-case words with commas between them, as WALLET,SAVINGS';
const ENTITY = 'the first part of an address, as user-123';

/** The ways to look for accounts. */
export const AccountQuery = Type.Object(
  {
    entity_id: Type.Optional(
      Type.String({ title: 'the accounts of an entity', minLength: 1, description: ENTITY }),
    ),
    group_type: Type.Optional(
      Type.String({ title: 'of the entity only these groups', minLength: 1, description: GROUPS }),
    ),
    phone: Type.Optional(
      Type.String({
        title: 'the accounts with a phone',
        pattern: '^\\+[1-9][0-9]{1,18}$',
        description: 'country code and number, as %2B4915112345678 (a + is written %2B)',
      }),
    ),
    id: Type.Optional(Type.String({ title: 'the accounts of these ids', minLength: 1, description: IDS })),
  },
  { additionalProperties: false },
);

/** @throws RequestError invalid/invalid_request */
export function readAccountQuery(query: Static<typeof AccountQuery>, calendar: Calendar): AccountSearch {
  const parameters = createParameters(calendar);
  const { entity_id: entityId, group_type, phone, id } = query;
  const ways = [entityId, phone, id].filter((way) => way !== undefined).length;
  if (ways !== 1) parameters.fault('entity_id', 'must be sent, or phone, or id, and only one of them');
  if (group_type !== undefined && entityId === undefined) {
    parameters.fault('group_type', 'must be left out without entity_id');
  }
  if (entityId !== undefined && parseAddress(`${entityId}:A`)?.entityId !== entityId) {
    parameters.fault('entity_id', `must be ${ENTITY}`);
  }
  const groupTypes = group_type?.split(',');
  if (groupTypes?.some((group) => parseAddress(`a:${group}`) === undefined)) {
    parameters.fault('group_type', `must be ${GROUPS}`);
  }
  const ids = id?.split(',') ?? [];
  if (ids.length > MAX_ACCOUNTS || !ids.every(isId)) parameters.fault('id', `must be ${IDS}`);
  parameters.done();
  if (phone !== undefined) return { phone };
  return entityId === undefined ? { ids: ids.map(BigInt) } : { entityId, groupTypes };
}
