/** Numbers from 0 up to 1, 1 excluded. */
export type Random = () => number;

/** Who pays whom: numbers of accounts from 1, never the same twice. */
export type NextPair = () => readonly [from: number, to: number];

/** How postings are spread over the accounts. */
export type Distribution = 'spread' | 'zipf' | 'hot';

/** Mulberry32: small, fast and good enough to choose accounts, and the same on both sides for the same seed. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * `spread`: both sides uniform over all accounts. `zipf`: both by Zipf's law with s = 1, the k-th busiest account used
 * in proportion to 1/k. `hot`: from all accounts uniformly into a single one, as into the account of fees; it is the one
 * in the middle, so that neither of two orders of locking has it always first or always last.
 */
export function createPairs(distribution: Distribution, accounts: number, random: Random): NextPair {
  const uniform = () => 1 + Math.floor(random() * accounts);
  if (distribution === 'hot') {
    const hot = Math.ceil(accounts / 2);
    return () => {
      let from = uniform();
      while (from === hot) from = uniform();
      return [from, hot];
    };
  }
  const next = distribution === 'zipf' ? createZipf(accounts, random) : uniform;
  return () => {
    const from = next();
    let to = next();
    while (to === from) to = next();
    return [from, to];
  };
}

/** A number from 1 to `size` with a chance in proportion to one by its rank; the ranks are scattered over the numbers. */
export function createZipf(size: number, random: Random): () => number {
  const cumulative = new Float64Array(size);
  let sum = 0;
  for (let rank = 1; rank <= size; rank++) {
    sum += 1 / rank;
    cumulative[rank - 1] = sum;
  }
  const stride = coprimeTo(size);
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, size - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    // The busiest accounts must not all lie on one page of the table, as those opened one after the other would.
    return 1 + ((low * stride) % size);
  };
}

/** A step that visits every number below `size` once: near the golden section of it, and without a common divisor. */
function coprimeTo(size: number): number {
  let step = Math.max(1, Math.floor(size * 0.618));
  while (greatestCommonDivisor(step, size) > 1) step++;
  return step;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** When requests arrive, in milliseconds from the start: independent of each other (Poisson) at a mean rate per second. */
export function arrivals(rate: number, seconds: number, random: Random): Float64Array {
  const times: number[] = [];
  for (let at = 0; ; ) {
    at += (-Math.log(1 - random()) / rate) * 1000;
    if (at >= seconds * 1000) return Float64Array.from(times);
    times.push(at);
  }
}
