/**
 * Shares readings: whoever asks for one while it is under way, or shortly after, is given the same. One that failed is given to
 * nobody else.
 *
 * @param freshMs how long one is shown after it was read
 */
export function createShared<T>(freshMs: number): (key: string, read: () => Promise<T>) => Promise<T> {
  const readings = new Map<string, Promise<T>>();
  return (key, read) => {
    const last = readings.get(key);
    if (last !== undefined) return last;
    const reading = read();
    readings.set(key, reading);
    const forget = () => void readings.delete(key);
    reading.then(() => setTimeout(forget, freshMs).unref(), forget);
    return reading;
  };
}
