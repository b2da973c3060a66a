import Value from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { type Operation, OperationAnswer } from '../../src/http/operation-json.ts';
import { useConsoleHouse } from '../console/house.ts';

describe('a whole process', () => {
  const house = useConsoleHouse();

  it('tells how it stands, what was done and what comes next', { timeout: 60_000 }, async () => {
    const headers = { authorization: `Bearer ${await house.key('rea', ['reader'])}` };
    const get = async (path: string) => (await fetch(`${house.url}${path}`, { headers })).json();
    const operation = (await get('/v1/operation')) as Operation;
    expect(Value.Errors(OperationAnswer, operation)).toEqual([]);
    expect(operation).toMatchObject({ unknown: [], replica: null, alerts: null, horizon: { missing: [] } });
    expect(operation.checks.filter(({ state }) => state === 'critical' || state === 'unknown')).toEqual([]);
    expect(operation.queues.map(({ name }) => name)).toContain('reconcile-partitions');

    const { events } = (await get('/v1/events?limit=5')) as { events: { actor: string }[] };
    expect(events).toHaveLength(5);
    const { quarters } = (await get('/v1/quarters')) as {
      quarters: { quarter: string; state: string; manifest_sha256: string | null; next: object | null }[];
    };
    const archived = quarters.filter(({ manifest_sha256 }) => manifest_sha256 !== null);
    expect(archived.length).toBeGreaterThan(1);
    expect(quarters.some(({ next }) => next !== null)).toBe(true);
    const closed = quarters.find(({ state }) => state === 'closed');
    const { checks } = (await get(`/v1/quarters/${closed?.quarter}`)) as { checks: { ok: boolean }[] };
    expect(checks).toHaveLength(7);
    const path = `/v1/quarters/${closed?.quarter}/trial-balance/accounts?sort=closing&order=desc&limit=3`;
    const { accounts } = (await get(path)) as { accounts: object[] };
    expect(accounts).toHaveLength(3);
  });
});
