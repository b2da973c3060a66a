/** What an event says in single values; lists and documents are told on the page of the quarter. */
export function detailWords(detail: Readonly<Record<string, unknown>>): string {
  const told = Object.entries(detail).flatMap(([name, value]) => {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return [];
    const text = String(value);
    return [`${name.replaceAll('_', ' ')} ${/^[0-9a-f]{40,}$/.test(text) ? `${text.slice(0, 12)}…` : text}`];
  });
  return told.join(', ');
}
