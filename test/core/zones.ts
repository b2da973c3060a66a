import fc from 'fast-check';
import { calendar } from '../../src/core/quarter.ts';

// Zones with a history: midnights that were skipped or came twice, days that never were, offsets with seconds.
const strangeZones =
  `Africa/Cairo Africa/Casablanca Africa/Monrovia America/Asuncion America/Havana America/Sao_Paulo
  America/Scoresbysund America/St_Johns America/Toronto Antarctica/Troll Asia/Beirut Asia/Gaza
  Asia/Kathmandu Asia/Tehran Atlantic/Azores Australia/Lord_Howe Europe/Dublin Europe/London
  Pacific/Apia Pacific/Chatham Pacific/Kiritimati Pacific/Kwajalein UTC`.split(/\s+/);

export const calendars = new Map(strangeZones.map((zone) => [zone, calendar(zone)]));
export const anyCalendar = fc.constantFrom(...calendars.values());
export const anyInstant = fc.date({
  min: new Date('1900-01-01T00:00:00Z'),
  max: new Date('2100-01-01T00:00:00Z'),
  noInvalidDate: true,
});
export const iso = (date: Date | undefined) => date?.toISOString();
