/**
 * The values of a header in the raw headers of a request (name, value, name, …), one for each time it was sent: Node
 * joins a header that is sent twice into one value, or drops the second.
 *
 * @param name in lower case
 */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const sent = rawHeaders[index] as string;
    // Few headers are that long, so few are copied to be compared.
    if (sent.length === name.length && sent.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '');
  }
  return values;
}
