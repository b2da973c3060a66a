import { describe, expect, it } from 'vitest';
import { breaks, findingOf, findingsOf } from './doctor.ts';
import { soundHouse } from './doctor-house.ts';

describe('rights', () => {
  it('are as they should be for every process', async () => {
    const { home } = await soundHouse();
    const names = [
      'rewrite-rights',
      'process-rights',
      'grants',
      'roles',
      'open-schemas',
      'planted-code',
      'additions',
    ];
    for (const as of ['api', 'worker', 'owner'] as const) {
      const findings = await findingsOf({ env: { QM_DATABASE_URL: home.as(as) }, as }, ...names);
      expect(findings.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    }
  });

  breaks('rewrite-rights', 'a superuser', async () => ({
    env: { QM_DATABASE_URL: (await soundHouse()).home.adminUrl },
    outcome: 'failed',
    found: /postgres is a superuser/,
  }));
  breaks('rewrite-rights', 'a role that may change booked rows', async () => {
    const { env, sql } = await soundHouse();
    await sql('GRANT UPDATE ON ledger.entries TO quartermaster_worker');
    return { env, outcome: 'failed', found: /quartermaster_worker may UPDATE or DELETE/ };
  });
  breaks('process-rights', 'the API in the place of the worker', async () => ({
    env: { QM_DATABASE_URL: (await soundHouse()).home.as('api') },
    as: 'worker',
    outcome: 'failed',
    found: /quartermaster_api, as worker, lacks ownership of the tables and CREATE/,
    advice: /docs\/roles\.md/,
  }));
  breaks('process-rights', 'a worker that may make nothing', async () => {
    const { env, sql } = await soundHouse();
    await sql('REVOKE CREATE ON SCHEMA ledger FROM quartermaster_worker');
    return { env, outcome: 'failed', found: /quartermaster_worker, as worker, lacks/ };
  });
  breaks('process-rights', 'an API that may not post', async () => {
    const { home, sql } = await soundHouse();
    await sql('REVOKE INSERT ON ledger.entries FROM quartermaster_api');
    return {
      env: { QM_DATABASE_URL: home.as('api') },
      outcome: 'failed',
      found: /lacks INSERT into the ledger/,
    };
  });
  breaks('grants', 'a right too many', async () => {
    const { env, sql } = await soundHouse();
    await sql('GRANT DELETE ON ledger.balances TO quartermaster_api');
    return { env, outcome: 'failed', found: /REVOKE DELETE ON TABLE ledger\.balances/, advice: /migrate up/ };
  });
  breaks('open-schemas', 'a schema public in which everybody may make things', async () => {
    const { env, sql } = await soundHouse();
    await sql('GRANT CREATE ON SCHEMA public TO PUBLIC');
    return { env, outcome: 'advice', found: /CREATE in public/, advice: /REVOKE CREATE/ };
  });
  breaks('open-schemas', 'one of ours in which everybody may', async () => {
    const { env, sql } = await soundHouse();
    await sql('GRANT CREATE ON SCHEMA ledger TO PUBLIC');
    return { env, outcome: 'failed', found: /CREATE in ledger/ };
  });
  breaks('planted-code', 'a trigger of the worker', async () => {
    const { env, sql } = await soundHouse();
    await sql(`SET ROLE quartermaster_worker;
      CREATE FUNCTION ledger.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER spy BEFORE UPDATE ON ledger.balances FOR EACH ROW EXECUTE FUNCTION ledger.spy()`);
    return { env, outcome: 'failed', found: /trigger spy on table ledger\.balances calls/ };
  });
  breaks('additions', 'row security', async () => {
    const { env, sql } = await soundHouse();
    await sql('ALTER TABLE ledger.accounts ENABLE ROW LEVEL SECURITY');
    return { env, outcome: 'failed', found: /row security on ledger\.accounts/ };
  });
  breaks('additions', 'a trigger that even a superuser made', async () => {
    const { env, sql } = await soundHouse();
    await sql(`CREATE TRIGGER stamp BEFORE UPDATE ON ledger.balances FOR EACH ROW
      EXECUTE FUNCTION suppress_redundant_updates_trigger()`);
    return { env, outcome: 'failed', found: /trigger stamp on ledger\.balances/ };
  });
  breaks('additions', 'a rule', async () => {
    const { env, sql } = await soundHouse();
    await sql('CREATE RULE hush AS ON UPDATE TO ledger.accounts DO INSTEAD NOTHING');
    return { env, outcome: 'failed', found: /rule hush on ledger\.accounts/ };
  });
  breaks('additions', 'rights on tables to come', async () => {
    const { env, sql } = await soundHouse();
    await sql(
      'ALTER DEFAULT PRIVILEGES FOR ROLE quartermaster_worker IN SCHEMA ledger GRANT UPDATE ON TABLES TO PUBLIC',
    );
    return {
      env,
      outcome: 'failed',
      found: /default privileges of quartermaster_worker give everybody UPDATE/,
    };
  });

  it('that a role lacks to look are no fault of the set-up', async () => {
    const { home } = await soundHouse();
    // The worker is not shown keys, and the API not who works.
    const worker = await findingOf({ env: { QM_DATABASE_URL: home.as('worker') } }, 'keys');
    const api = await findingOf({ env: { QM_DATABASE_URL: home.as('api') } }, 'worker-seen');
    for (const finding of [worker, api])
      expect(finding).toMatchObject({
        outcome: 'skipped',
        why: expect.stringContaining('This role may not look'),
      });
  });
});
