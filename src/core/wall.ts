/** An instant as the clocks of a zone show it. */
export interface Wall {
  /** `2026-12-31` */
  readonly day: string;
  /** `18:00:05` */
  readonly time: string;
  /** `+01:00`; `+00:00` in UTC. */
  readonly offset: string;
}

/** Shows instants as one zone's clocks do. It is dear to make and cheap to use: make one and keep it. */
export type WallClock = (instant: Date) => Wall;

export function wallClock(zone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    ...({ year: 'numeric', month: '2-digit', day: '2-digit' } as const),
    ...({ hour: '2-digit', minute: '2-digit', second: '2-digit' } as const),
    timeZoneName: 'longOffset',
  });
  return (instant) => {
    const parts = new Map<string, string>(format.formatToParts(instant).map((one) => [one.type, one.value]));
    const part = (name: string) => parts.get(name) ?? '';
    return {
      day: `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`,
      time: `${part('hour')}:${part('minute')}:${part('second')}`,
      offset: part('timeZoneName').replace('GMT', '') || '+00:00',
    };
  };
}
