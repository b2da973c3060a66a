/** Five cron fields as a person would say them; the fields themselves where they say something rarer. */
export function scheduleWords(cron: string): string {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cron.split(/\s+/);
  if (day !== '*' || month !== '*') return cron;
  if (cron === '* * * * *') return 'every minute';
  const everyHours = /^\*\/(\d+)$/.exec(hour)?.[1];
  if (/^\d+$/.test(minute) && weekday === '*') {
    if (hour === '*') return `hourly at :${minute.padStart(2, '0')}`;
    if (everyHours !== undefined) return `every ${everyHours} hours at :${minute.padStart(2, '0')}`;
  }
  const everyMinutes = /^\*\/(\d+)$/.exec(minute)?.[1];
  if (everyMinutes !== undefined && hour === '*' && weekday === '*') return `every ${everyMinutes} minutes`;
  if (!/^\d+$/.test(minute) || !/^\d+$/.test(hour)) return cron;
  const at = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (weekday === '*') return `daily at ${at}`;
  const name = weekdays[Number(weekday) % 7];
  return /^[0-7]$/.test(weekday) && name !== undefined ? `${name} at ${at}` : cron;
}

const weekdays = ['Sundays', 'Mondays', 'Tuesdays', 'Wednesdays', 'Thursdays', 'Fridays', 'Saturdays'];

/** The local minute after `now` at which it is due, as `2026-03-31T02:00`; undefined where it is due at no time within a year. */
export function nextRun(cron: string, now: Date, zone: string): string | undefined {
  const fields = cron.trim().split(/\s+/);
  const [minutes, hours, days, months, weekdaysOf] = bounds.map(([first, last], index) =>
    valuesOf(fields[index] ?? '', first, last),
  );
  if (!minutes || !hours || !days || !months || !weekdaysOf) return undefined;
  const local = localMinute(now, zone);
  // Local fields on the clock of UTC, which never jumps: what the zone's own clock leaves out is told an hour off, once a year.
  const date = new Date(`${local.slice(0, 10)}T00:00:00Z`);
  const past = local.slice(11);
  for (let ahead = 0; ahead <= 366; ahead++, date.setUTCDate(date.getUTCDate() + 1)) {
    const isDue =
      months.has(date.getUTCMonth() + 1) && days.has(date.getUTCDate()) && weekdaysOf.has(date.getUTCDay());
    if (!isDue) continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        const time = `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
        if (ahead > 0 || time > past) return `${date.toISOString().slice(0, 10)}T${time}`;
      }
    }
  }
  return undefined;
}

const bounds = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const;

/** In rising order: `*`, a number, a list, a range, and each with a step. Undefined for what is none of these. */
function valuesOf(field: string, first: number, last: number): Set<number> | undefined {
  const found: number[] = [];
  for (const part of field.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (!match) return undefined;
    const [, from, to, step] = match;
    // Sunday is 7 too.
    const low = from === undefined ? first : Number(from) % (last === 6 ? 7 : 1000);
    const high = to !== undefined ? Number(to) : from === undefined || step !== undefined ? last : low;
    for (let value = low; value <= high; value += Number(step ?? 1)) found.push(value);
  }
  return new Set(found.filter((value) => value >= first && value <= last).toSorted((a, b) => a - b));
}

function localMinute(instant: Date, zone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return format.format(instant).replace(' ', 'T');
}

/** A local minute as it is shown: the time alone where it is today. */
export function nextWords(local: string, now: Date, zone: string): string {
  const today = localMinute(now, zone).slice(0, 10);
  const [day = '', time = ''] = local.split('T');
  if (day === today) return `today, ${time}`;
  const date = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: '2-digit', month: 'short' }).format(
    new Date(`${day}T00:00:00Z`),
  );
  return `${date}, ${time}`;
}

/** 93784 → `1 day 2 h`: the two largest parts, which is as much as anybody compares. */
export function spanWords(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86_400), seconds >= 2 * 86_400 ? 'days' : 'day'],
    [Math.floor((seconds % 86_400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [Math.floor(seconds % 60), 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return `${seconds > 0 ? '< 1' : '0'} s`;
  const shown = parts.slice(first, first >= 2 ? first + 1 : first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(' ');
}
