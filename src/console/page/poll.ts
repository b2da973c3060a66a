import { QuartermasterError } from '../../../clients/typescript/src/index.ts';

/**
 * Does something now and again every so many seconds, one at a time, while somebody can see the page: what nobody looks at asks
 * nothing of the server, and what is looked at again is asked for at once. It ends with the signal.
 *
 * A request that fails is made again in its turn: a view that wants to say so catches it itself.
 *
 * @param signal of the view: `context.signal`
 */
export function poll(signal: AbortSignal, seconds: number, action: () => Promise<void>): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;

  async function turn(): Promise<void> {
    clearTimeout(timer);
    if (signal.aborted || busy || document.hidden) return;
    busy = true;
    try {
      await action();
    } catch (error) {
      if (!signal.aborted && !(error instanceof QuartermasterError)) reportError(error);
    } finally {
      busy = false;
      if (!signal.aborted) timer = setTimeout(turn, seconds * 1000);
    }
  }

  document.addEventListener('visibilitychange', () => void turn(), { signal });
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  void turn();
}
