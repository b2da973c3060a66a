import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { JobHouse } from '../../jobs/house.ts';
import type { TestServer } from '../../test/support/server.ts';
import type { Crew, Role } from './crew.ts';
import { doDeed } from './deeds.ts';
import { type Mishap, pickOne } from './plan.ts';

interface Stage {
  readonly crew: Crew;
  readonly server: TestServer;
  readonly house: JobHouse;
  readonly say: (line: string) => void;
  readonly fail: (what: string) => void;
  /** Loads that are done. */
  readonly loads: ReadonlyMap<string, number>;
}

export interface Mishaps {
  /** Lets them happen, each at its time, counted from `opening`; returns when the last one has. */
  live(plan: readonly Mishap[], opening: number): Promise<void>;
  /** Returns when what was begun is over: deeds, and a dead server. */
  settle(): Promise<void>;
  /** How often what happened. */
  told(): string;
}

const ROUGH = 0.35;

export function createMishaps({ crew, server, house, say, fail, loads }: Stage): Mishaps {
  const counts = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  let loadNumber = 0;

  async function killOne(role: Role, pick: number): Promise<string> {
    const name = pickOne(crew.living(role), pick);
    if (name === undefined) return 'nobody';
    await crew.kill(name);
    // A load is taken up again by who cares for it; the others have somebody who looks after them.
    if (role === 'loader' && !loads.has(name)) crew.start('loader', name);
    return name;
  }

  async function happen({ what, pick, other }: Mishap): Promise<string> {
    switch (what) {
      case 'kill worker':
      case 'kill writer':
      case 'kill loader':
      case 'kill reader':
        return killOne(what.slice(5) as Role, pick);
      case 'kill postgres':
        await server.kill('SIGKILL');
        await delay(pick * 800);
        await server.restart();
        return 'restarted';
      case 'end sessions':
        await sql`
          SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
          WHERE application_name LIKE 'soak %' AND pid % 3 = ${Math.floor(pick * 3)} AND pid <> pg_backend_pid()`.execute(
          house.database.direct,
        );
        return 'a third of them';
      case 'weather': {
        const rate = pick < 0.4 ? ROUGH * other : 0.01;
        crew.tellWorkers({ rate });
        return `the store does wrong once in ${Math.round(1 / rate)}`;
      }
      case 'load':
        loadNumber++;
        crew.start('loader', `load-${loadNumber}`);
        return `load-${loadNumber}`;
      case 'deed': {
        const { said, complaint } = await doDeed(house, pick, other);
        if (complaint !== undefined) fail(complaint);
        return said;
      }
    }
  }

  return {
    async live(plan, opening) {
      for (const mishap of plan) {
        const wait = opening + mishap.atMs - Date.now();
        if (wait > 0) await delay(wait);
        counts.set(mishap.what, (counts.get(mishap.what) ?? 0) + 1);
        const happening = happen(mishap)
          .catch((error: unknown) => `failed: ${error}`)
          .then((said) => say(`${mishap.what}: ${said}`));
        underWay.add(happening);
        void happening.finally(() => underWay.delete(happening));
        // The next one may hit a server that is coming up, but does not kill it again.
        if (mishap.what === 'kill postgres') await happening;
      }
    },
    settle: async () => {
      await Promise.all(underWay);
    },
    told: () => [...counts].map(([what, count]) => `${what} ${count}`).join(', '),
  };
}
