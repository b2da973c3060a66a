/**
 * What time it is where the answer came from, in milliseconds: whether a quarter is over is for the server to say, and not for a
 * machine whose clock somebody has set wrong.
 */
export function answeredAt({ headers }: Response): number {
  const said = Date.parse(headers.get('date') ?? '');
  // A proxy may take the header away.
  return Number.isNaN(said) ? performance.timeOrigin + performance.now() : said;
}
