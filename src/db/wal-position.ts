/** How a server cuts its WAL, in bytes: 8 KiB pages in 16 MiB segments unless it was built or made otherwise. */
export interface WalShape {
  readonly pageBytes: number;
  readonly segmentBytes: number;
}

/** The headers of a page and of a segment's first page (PostgreSQL's xlog_internal.h, aligned to 8 bytes). */
const PAGE_HEADER = 24n;
const SEGMENT_HEADER = 40n;

const POSITION = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;

/** A WAL position such as `16/B374D848` as a number, so that two can be compared; undefined for any other text. */
export function parsePosition(text: string): bigint | undefined {
  const [, high, low] = POSITION.exec(text) ?? [];
  return high === undefined || low === undefined
    ? undefined
    : (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** As PostgreSQL writes it. */
export function formatPosition(position: bigint): string {
  return `${(position >> 32n).toString(16)}/${(position & 0xffff_ffffn).toString(16)}`.toUpperCase();
}

/**
 * Where the last record ends, given where the next one will begin (`pg_current_wal_insert_lsn()`). They differ when the
 * record filled its page or switched the segment: then the next one begins behind a header, and a standby that has
 * replayed everything stands before it and would be waited for in vain. No record ends right behind a header.
 */
export function endOfLastRecord(next: bigint, shape: WalShape): bigint {
  const inSegment = next % BigInt(shape.segmentBytes);
  if (inSegment === SEGMENT_HEADER) return next - SEGMENT_HEADER;
  if (inSegment > SEGMENT_HEADER && next % BigInt(shape.pageBytes) === PAGE_HEADER) return next - PAGE_HEADER;
  return next;
}
