/**
 * What time it is where the answer came from, in milliseconds: whether a quarter is over is for the server to say, and not for a
 * machine whose clock somebody has set wrong.
 */
export function answeredAt({ headers }: Response): number {
  return Date.parse(headers.get('date') ?? '');
}
