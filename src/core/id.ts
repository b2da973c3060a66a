import { v7, validate, version } from 'uuid';
import { AppError } from './errors.ts';

// A UUID takes 16 random bytes. The system is asked for many at a time, which is five times as fast as one by one.
const RANDOM_BYTES = 16;
const POOL_BYTES = 256 * RANDOM_BYTES;

const LAST_MILLISECOND = 2 ** 48 - 1;

/**
 * A source of ids: version 7 UUIDs (RFC 9562, section 5.7) that begin with the millisecond of `createdAt`, so that an
 * id names its own quarter. Of two ids with the same `createdAt` the later made sorts later, in whatever order the
 * instants come. Throws `before_epoch` before 1970, and `invalid_instant` for a date no UUID can hold.
 */
export function createIds(): (createdAt: Date) => string {
  // One counter for all instants, not one each: a load that goes back in time still never repeats an order. It has 32
  // bits and starts at random in the lower half, so it lasts two thousand million ids; 42 random bits follow it.
  let sequence = Math.floor(Math.random() * 2 ** 31);
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return (createdAt) => {
    const msecs = createdAt.getTime();
    if (msecs < 0) {
      throw new AppError(
        'invalid',
        'before_epoch',
        `A transaction cannot be created at ${createdAt.toISOString()}: ids begin in 1970. Book it today and put its true date in effective_at.`,
      );
    }
    if (!(msecs <= LAST_MILLISECOND)) {
      throw new AppError(
        'invalid',
        'invalid_instant',
        'A transaction id needs a real date before the year 10889.',
      );
    }
    sequence = (sequence + 1) >>> 0;
    if (used === POOL_BYTES) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    const random = pool.subarray(used, used + RANDOM_BYTES);
    used += RANDOM_BYTES;
    return v7({ msecs, seq: sequence, random });
  };
}

/** The `createdAt` that an id was made of; undefined unless the text is a version 7 UUID. */
export function instantOf(id: string): Date | undefined {
  if (!validate(id) || version(id) !== 7) return undefined;
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** The same of an id that something may be booked under: PostgreSQL cannot read all instants that a UUID can hold. */
export function bookableInstantOf(id: string): Date | undefined {
  const instant = instantOf(id);
  return instant && instant.getUTCFullYear() <= 9999 ? instant : undefined;
}
