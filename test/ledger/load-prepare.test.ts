import { expect, it } from 'vitest';
import type { KnownAccount } from '../../src/ledger/accounts.ts';
import { isComplete } from '../../src/ledger/load-prepare.ts';

const names = new Map([
  ['EUR', new Set(['ann:CASH', 'bob:CASH'])],
  ['USD', new Set(['ann:CASH'])],
]);
const [annEur, annUsd, bobEur, bobUsd] = ['ann EUR', 'ann USD', 'bob EUR', 'bob USD'].map((name, index) => {
  const [entity, currency] = name.split(' ') as [string, string];
  return { id: BigInt(index), address: `${entity}:CASH`, currency };
}) as [KnownAccount, KnownAccount, KnownAccount, KnownAccount];

// What was found is what counts, and not what the cache knows by now: a batch that is written meanwhile creates accounts,
// and to rely on what was read before they were there would refuse rows that are right.
it.each([
  ['all', [annEur, annUsd, bobEur], true],
  ['all, and one more that its address has', [annEur, annUsd, bobEur, bobUsd], true],
  ['none', [], false],
  ['one in another currency only', [annEur, bobEur, bobUsd], false],
  ['one address not at all', [annEur, annUsd], false],
])('what is read beforehand holds where every account was found: %s', (_, known, expected) => {
  const prepared = { names, reservations: new Map(), originals: new Map() };
  expect(isComplete({ prepared, closed: [], known })).toBe(expected);
});
