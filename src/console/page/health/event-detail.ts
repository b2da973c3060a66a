import { formatBytes, formatInstant } from '../format.ts';
import { ownText } from '../own.ts';

/** What an event says in single values; lists and documents are told on the page of the quarter. */
export function detailWords(detail: Readonly<Record<string, unknown>>, zone: string): string {
  const told = Object.entries(detail).flatMap(([name, value]) => {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return [];
    return [`${name.replaceAll('_', ' ')} ${valueWords(name, String(value), zone)}`];
  });
  return told.join(', ');
}

function valueWords(name: string, text: string, zone: string): string {
  if (name === 'bytes' && /^\d+$/.test(text)) return formatBytes(Number(text));
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text)) return formatInstant(text, zone);
  return /^[0-9a-f]{40,}$/.test(text) ? `${text.slice(0, 12)}…` : ownText(text);
}
