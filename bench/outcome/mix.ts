import { createPairs, createRandom, type Random } from '../distributions.ts';

/** What one request of the mixed traffic wants, in no side's words yet. Users are numbers: the first is the busiest. */
export type Want =
  | {
      readonly kind: 'post';
      readonly from: number;
      readonly to: number;
      readonly amount: number;
      readonly reference: string;
    }
  | { readonly kind: 'list'; readonly list: List; readonly page: number }
  /** Now, or as it was at an instant. */
  | { readonly kind: 'balance'; readonly user: number; readonly at: string | undefined }
  /** The months of a year, of a user or of the whole ledger. Days, both included. */
  | {
      readonly kind: 'report';
      readonly user: number | undefined;
      readonly from: string;
      readonly to: string;
    };
export type Kind = Want['kind'];

/** Which transactions are listed: a user's that were booked, or the whole ledger's of a status. */
export interface List {
  readonly user: number | undefined;
  readonly status: 'SUCCESS' | 'FAILED';
}

/** What the traffic is made of. */
export interface MixPlan {
  readonly seed: number;
  /** Whom payments go to: anybody, or the one account of fees. */
  readonly postings: 'spread' | 'hot';
  readonly accounts: number;
  /** How many transactions there are at first, which says how many pages a list has. */
  readonly rows: number;
  /** From when on there are transactions, in milliseconds since 1970, and the day that goes on still. */
  readonly start: number;
  readonly today: string;
}

export const PAGE = 50;
/** The page that is far back, where a list has so many. */
const FAR = 200;
/** Users who are busy enough that somebody turns their pages, and turns back far. */
const PAGED_USERS = 100;
const FAR_USERS = 20;
const MONTHS_BACK = 6;

/** One wish after the other, the same ones for the same seed: postings 60 %, lists 25 %, balances 10 %, reports 5 %. */
export function createMix(plan: MixPlan): () => Want {
  const random = createRandom(plan.seed);
  const nextPair = createPairs(plan.postings, plan.accounts, random);
  let made = 0;
  return () => {
    made++;
    const kind = random();
    if (kind < 0.6) {
      const [from, to] = nextPair();
      return {
        kind: 'post',
        from,
        to,
        amount: 1 + Math.floor(random() * 1000),
        reference: `mix-${plan.seed}-${made}`,
      };
    }
    if (kind < 0.85) return someList(plan, random);
    if (kind < 0.95) return someBalance(plan, random);
    return someReport(plan, random);
  };
}

function someList(plan: MixPlan, random: Random): Want {
  const isOfUser = random() < 0.85;
  const list: List = isOfUser
    ? { user: busyUser(plan.accounts, random), status: 'SUCCESS' }
    : { user: undefined, status: random() < 0.7 ? 'SUCCESS' : 'FAILED' };
  const pages = pagesOf(plan, list);
  const depth = random();
  const isFirst = depth < 0.5 || pages.length === 0;
  // The last of them is the one far back, where there is one.
  const at = depth < 0.85 ? Math.floor(random() * Math.min(pages.length, 4)) : pages.length - 1;
  return { kind: 'list', list, page: isFirst ? 1 : (pages[at] ?? 1) };
}

function someBalance(plan: MixPlan, random: Random): Want {
  const user = busyUser(plan.accounts, random);
  const end = Date.parse(plan.today);
  const at = new Date(plan.start + Math.floor(random() * (end - plan.start))).toISOString();
  return { kind: 'balance', user, at: random() < 0.5 ? undefined : at };
}

/** The twelve months up to this one as far as it has come, or up to the end of one before. */
function someReport(plan: MixPlan, random: Random): Want {
  const back = Math.floor(random() * (MONTHS_BACK + 1));
  const [year, month] = plan.today.split('-').map(Number) as [number, number];
  const dayOf = (instant: number) => new Date(instant).toISOString().slice(0, 10);
  return {
    kind: 'report',
    user: random() < 0.5 ? undefined : busyUser(plan.accounts, random),
    from: dayOf(Date.UTC(year, month - 1 - back - 11, 1)),
    to: back === 0 ? plan.today : dayOf(Date.UTC(year, month - back, 0)),
  };
}

/** The pages behind the first that are asked for: from the second to the fifth, and one far back. Empty where there are too few. */
export function pagesOf({ accounts, rows }: Pick<MixPlan, 'accounts' | 'rows'>, list: List): number[] {
  const { user, status } = list;
  if (user !== undefined && user > PAGED_USERS) return [];
  // A little below what is to be expected, for the users' parts are random.
  const expected =
    user === undefined
      ? rows * (status === 'FAILED' ? 1 / 128 : 1)
      : (rows * Math.log(1 + 1 / user)) / Math.log(accounts + 1);
  const most = Math.floor((0.8 * expected) / PAGE);
  const near = [2, 3, 4, 5].filter((page) => page <= most);
  const far = Math.min(FAR, most);
  const goesFar = far > 5 && (user === undefined || user <= FAR_USERS);
  return goesFar ? [...near, far] : near;
}

/** All lists that have more pages than one to ask for. */
export function pagedLists(plan: Pick<MixPlan, 'accounts' | 'rows'>): List[] {
  const users = Array.from({ length: PAGED_USERS }, (_, index) => index + 1);
  const all: List[] = [
    ...users.map((user) => ({ user, status: 'SUCCESS' as const })),
    { user: undefined, status: 'SUCCESS' },
    { user: undefined, status: 'FAILED' },
  ];
  return all.filter((list) => pagesOf(plan, list).length > 0);
}

/** By the same law as the rows were made: the first user is the busiest, with about 6 % of all. */
export function busyUser(accounts: number, random: Random): number {
  return Math.min(accounts, Math.floor(Math.exp(random() * Math.log(accounts + 1))));
}
