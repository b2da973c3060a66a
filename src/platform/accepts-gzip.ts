/** Whether a client takes a body as gzip, by its Accept-Encoding: one that gives it the weight 0 refuses it (RFC 9110, 12.5.3). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const weights = new Map(
    String(header ?? '')
      .toLowerCase()
      .split(',')
      .map((part): [string, number] => {
        const [coding = '', ...parameters] = part.split(';').map((one) => one.trim());
        const weight = parameters.find((one) => one.startsWith('q='));
        return [coding, weight === undefined ? 1 : Number(weight.slice(2))];
      }),
  );
  // What is named counts before what is meant by the rest. No number is no consent.
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}
