import { DAY } from '../core/timestamp.ts';
import { wallClock } from '../core/wall.ts';

/** Instants as the ledger's zone shows them. */
export interface LocalTime {
  readonly zone: string;
  /** `2026-12-31` */
  day(instant: Date): string;
  /** The last day before an instant at which one begins: what ends at midnight ends with the day before. */
  lastDay(end: Date): string;
  /** `2026-12-31 18:00` */
  minute(instant: Date): string;
  /** `2026-12-31 18:00:05` */
  second(instant: Date): string;
}

export function localTime(zone: string): LocalTime {
  const show = wallClock(zone);
  const day = (instant: Date) => show(instant).day;
  return {
    zone,
    day,
    lastDay: (end) => day(new Date(end.getTime() - 1)),
    minute: (instant) => {
      const wall = show(instant);
      return `${wall.day} ${wall.time.slice(0, 5)}`;
    },
    second: (instant) => {
      const wall = show(instant);
      return `${wall.day} ${wall.time}`;
    },
  };
}

/** 90 → `2 min`, for what lasts; the largest unit that is there at least twice, or nearly. */
export function duration(seconds: number): string {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  const days = (seconds * 1000) / DAY;
  return days < 2 ? `${Math.round(seconds / 3600)} h` : `${Math.round(days)} days`;
}
