import { expect, it } from 'vitest';
import { createLookup } from '../../src/http/lookup.ts';

it('does not find again what it was told to forget, however many unknown ids are asked for since', async () => {
  const clock = { now: () => new Date(0) };
  const lookup = createLookup(
    async (ids) => ids.filter((id) => id === 'mine').map((id) => ({ id })),
    clock,
    10,
  );
  expect(await lookup.find('mine')).toEqual({ id: 'mine' });
  lookup.forget('mine');
  for (let i = 0; i < 20; i++) await lookup.find(`nobody ${i}`);
  expect(await lookup.find('mine')).toBeUndefined();
});
