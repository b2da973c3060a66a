import { type KyselyPlugin, PostgresQueryCompiler } from 'kysely';
import type { Db } from '../../src/db/schema.ts';
import type { Book } from '../ledger/fixture.ts';
import type { Made } from './expected.ts';

/** What a function of the house sends when it is called, outside transactions of its own. */
async function sent(db: Db, call: (db: Db) => Promise<unknown>): Promise<Made[]> {
  const made: Made[] = [];
  const listener: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      made.push(new PostgresQueryCompiler().compileQuery(node, queryId));
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const listening = new Proxy(db.withPlugin(listener), {
    get: (target, name) => {
      const value = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'executeQuery') return value.bind(target);
      // A statement of sql/queries is compiled already, so no plugin sees it.
      return (query: Made, ...others: unknown[]) => {
        made.push(query);
        return value.call(target, query, ...others);
      };
    },
  });
  await call(listening);
  return made;
}

/** The one of them that reads this table. */
export function reading(table: string, call: (book: Book, db: Db) => Promise<unknown>) {
  return async (book: Book): Promise<Made> => {
    const all = await sent(book.db, (db) => call(book, db));
    const [found, ...others] = all.filter(({ sql }) => sql.replaceAll('"', '').includes(table));
    if (!found || others.length > 0) throw new Error(`${all.length} statements, and not one of ${table}`);
    return found;
  };
}
