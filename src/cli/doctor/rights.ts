import { findForeignCode, foreignCodeDetail } from '../../db/foreign-code.ts';
import { roleNames } from '../../db/grants.ts';
import { plannedGrants } from '../../db/grants-apply.ts';
import { inspectServer } from '../../db/inspect.ts';
import { readAdditions, readOddRoles, readOpenSchemas, readProcessRights } from '../../db/inspect-roles.ts';
import { type Check, failed, some, warned } from './check.ts';
import { ANY_WAY } from './way.ts';

const SCHEMA = ['schema'];

export const rightsChecks: readonly Check[] = [
  {
    name: 'rewrite-rights',
    group: 'Rights',
    check: 'booked rows cannot be rewritten',
    looks: 'whether this role is a superuser, or may UPDATE, DELETE or TRUNCATE in the ledger',
    means: 'Whoever gets hold of this role can change the past.',
    advice: 'Use a role of its own, as sql/roles.sql makes them, and revoke UPDATE, DELETE and TRUNCATE.',
    needs: SCHEMA,
    ask: async (setup) => {
      const { role, superuser, mayRewriteLedger } = await inspectServer(await setup.db());
      if (superuser) return failed(`${role} is a superuser, whom no grant binds.`);
      return mayRewriteLedger
        ? failed(`${role} may UPDATE or DELETE in ledger.transactions or ledger.entries.`)
        : undefined;
    },
  },
  {
    name: 'process-rights',
    group: 'Rights',
    check: 'the role may do what its process has to',
    looks:
      'INSERT for who posts; ownership and CREATE for who keeps the quarters (`--as` says which; else the name of the role does)',
    means: 'Requests or jobs fail with “permission denied”.',
    advice:
      'Log in as the role of that process (docs/roles.md), and run `quartermaster migrate up` as the owner.',
    needs: SCHEMA,
    ask: async (setup) => {
      const { role, defines, posts, temporary } = await readProcessRights(await setup.db());
      const named = (['api', 'worker', 'owner'] as const).find((kind) => roleNames[kind] === role);
      const as = setup.as ?? named;
      const lacks: string[] = [];
      if (as !== 'owner' && !posts) lacks.push('INSERT into the ledger');
      if (as !== 'api' && !defines) lacks.push('ownership of the tables and CREATE in the schema ledger');
      if ((as === 'worker' || as === undefined) && !temporary) lacks.push('TEMPORARY on the database');
      // A reader, or somebody of another name: it is a person who looks, and posts nothing.
      if (as === undefined && role === roleNames.reader) return undefined;
      return lacks.length === 0
        ? undefined
        : failed(`${role}${as === undefined ? '' : `, as ${as},`} lacks ${lacks.join(', and ')}.`);
    },
  },
  {
    name: 'grants',
    group: 'Rights',
    check: 'each role may do what it has to, and no more',
    looks: 'the rights of the four roles on every table, schema and function',
    means: 'A process is refused what it needs, or could do what it must not.',
    advice: 'Run `quartermaster migrate up` as the owner.',
    needs: SCHEMA,
    ask: async (setup) => {
      const { did } = await plannedGrants(await setup.db());
      return did.length === 0
        ? undefined
        : failed(
            `What the roles may do is not what it should be; this would mend it: ${did.slice(0, 3).join('; ')}${did.length > 3 ? ` and ${did.length - 3} more` : ''}.`,
          );
    },
  },
  {
    name: 'roles',
    group: 'Rights',
    check: 'the roles are as sql/roles.sql makes them',
    looks:
      'what the roles are besides their rights on tables: superuser, login, search_path, members of the owner',
    means: 'A role can do by what it is what no grant gives it.',
    advice:
      'Take it away (ALTER ROLE … NOSUPERUSER NOCREATEROLE …), and run sql/roles.sql again as an administrator.',
    needs: SCHEMA,
    ask: async (setup) => {
      const odd = await readOddRoles(await setup.db());
      return odd.length === 0
        ? undefined
        : failed(`${some(odd.map(({ role, what }) => `${role} ${what}`))}.`);
    },
  },
  {
    name: 'open-schemas',
    group: 'Rights',
    check: 'not everybody may make things in the schemas',
    looks: 'CREATE for PUBLIC on the schema public and on ours',
    means: 'Anybody with a login puts functions where others find them, and run them with their own rights.',
    advice: 'Run as its owner: REVOKE CREATE ON SCHEMA public FROM PUBLIC (and the same for the others).',
    needs: [ANY_WAY],
    ask: async (setup) => {
      const open = await readOpenSchemas(await setup.db());
      if (open.length === 0) return undefined;
      const isOurs = open.some((name) => name !== 'public');
      return (isOurs ? failed : warned)(`Everybody may CREATE in ${open.join(', ')}.`);
    },
  },
  {
    name: 'planted-code',
    group: 'Rights',
    check: 'the tables run no code but ours',
    looks:
      'triggers, rules, policies, defaults, checks, indexes and views that call what belongs to somebody with less rights',
    means: 'Whoever uses the tables runs it, with their own rights.',
    advice: 'Find out who made it, and drop it as a superuser.',
    needs: SCHEMA,
    ask: async (setup) => {
      const found = await findForeignCode(await setup.db());
      return found.length === 0 ? undefined : failed(foreignCodeDetail(found));
    },
  },
  {
    name: 'additions',
    group: 'Rights',
    check: 'nothing was put on the tables that is not ours',
    looks:
      'row security, triggers and rules on our tables, and default privileges that give rights on new ones',
    means: 'Rows are hidden or changed on their way, or new quarters can be rewritten.',
    advice:
      'Take it off: DISABLE ROW LEVEL SECURITY, DROP TRIGGER, DROP RULE, or ALTER DEFAULT PRIVILEGES … REVOKE.',
    needs: SCHEMA,
    ask: async (setup) => {
      const found = await readAdditions(await setup.db());
      return found.length === 0 ? undefined : failed(`There is ${some(found)}.`);
    },
  },
];
