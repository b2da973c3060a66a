import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { identifier } from '../../src/db/identifier.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { refreshSummaries } from '../../src/summaries/refresh.ts';
import { bookNastyPayments } from '../quarters/archive-fixture.ts';
import type { TestServer } from '../support/server.ts';
import { inPlace, type Place, run } from './house.ts';
import { type Picture, takePicture } from './picture.ts';
import { NEXT, QUARTER, type Start, starts } from './verbs.ts';

/** A place of a test's own, as it was before the test began. */
export interface Clone extends Place {
  readonly start: Picture;
  remove(): Promise<void>;
}

/** Makes places from which verbs start: each start once, as a template, and then as many copies as are asked for. */
export interface Places {
  clone(start: keyof typeof starts): Promise<Clone>;
  /** A superuser's connection, for as long as the server lives that it was made on. */
  admin<T>(action: (admin: pg.Client) => Promise<T>): Promise<T>;
  remove(): Promise<void>;
}

interface Template {
  readonly name: string;
  readonly store: string;
  readonly start: Picture;
}

export async function openPlaces(server: TestServer): Promise<Places> {
  const root = await mkdtemp(join(tmpdir(), 'test-crash-'));
  const templates = new Map<string, Promise<Template>>();
  let made = 0;
  const urlOf = (name: string) => {
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    return url.href;
  };

  async function admin<T>(action: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: server.adminUrl });
    client.on('error', () => {});
    await client.connect();
    try {
      return await action(client);
    } finally {
      await client.end();
    }
  }

  async function create(template: string, store?: string): Promise<Place & { name: string; home: string }> {
    const name = `crash_${++made}`;
    const home = join(root, name);
    const directory = join(home, 'store');
    await mkdir(join(home, 'tmp'), { recursive: true });
    await mkdir(directory);
    if (store !== undefined) await cp(store, directory, { recursive: true });
    await admin((client) =>
      client.query(
        `CREATE DATABASE ${identifier(name)} OWNER quartermaster TEMPLATE ${identifier(template)}`,
      ),
    );
    return { name, url: urlOf(name), directory, home };
  }

  function template(start: string): Promise<Template> {
    const known = templates.get(start);
    if (known !== undefined) return known;
    const making = makeTemplate(start, (starts as Record<string, Start>)[start] as Start);
    templates.set(start, making);
    return making;
  }

  async function makeTemplate(start: string, { from, prepare }: Start): Promise<Template> {
    const before = from === undefined ? undefined : await template(from);
    const { name, ...place } = await create(before?.name ?? 'template0', before?.store);
    if (before === undefined) await book(place);
    const picture = await inPlace(place, async (house) => {
      await prepare(house, { ...run, reason: `to be ${start}` });
      return takePicture(house, place);
    });
    // A database with a session in it, be it autovacuum's, cannot be cloned.
    await admin((client) => client.query(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false`));
    return { name, store: place.directory, start: picture };
  }

  return {
    admin,
    async clone(start) {
      const { name: source, store, start: picture } = await template(start);
      const { name, home, ...place } = await create(source, store);
      return {
        ...place,
        start: picture,
        remove: async () => {
          await admin((client) => client.query(`DROP DATABASE ${identifier(name)} WITH (FORCE)`));
          await rm(home, { recursive: true, force: true });
        },
      };
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** Two quarters of two ledgers, in all the values that are hard to carry, with their summaries up to date. */
async function book(place: Place): Promise<void> {
  await inPlace(place, async (house) => {
    await migrateUp(house.database.direct, { timezone: 'UTC', ledgerSet: 'ledger' });
    await bookNastyPayments(
      house,
      [QUARTER, NEXT].map((quarter) => ({ quarter, transactions: 30 })),
    );
    await sql`
      INSERT INTO quartermaster.summary_marks (ledger_id, day)
      SELECT DISTINCT ledger_id, (created_at AT TIME ZONE 'UTC')::date FROM ledger.transactions`.execute(
      house.database.write,
    );
    await refreshSummaries({ database: house.database, calendar: house.calendar });
  });
}
