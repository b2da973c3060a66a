import type { ViewContext } from '../view.ts';

/** Something that was asked for: on its way, there, or refused. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: unknown;
  readonly pending: boolean;
  /** Asks again; what was there stays until the answer. */
  again(): Promise<void>;
}

/**
 * Asks at once and has the view drawn when the answer is there. What comes after the person has left is dropped, for nobody sees it.
 */
export function load<T>(
  { signal, update }: Pick<ViewContext, 'signal' | 'update'>,
  read: () => Promise<T>,
): Loaded<T> {
  const state: { value: T | undefined; error: unknown; pending: boolean } = {
    value: undefined,
    error: undefined,
    pending: true,
  };

  async function again(): Promise<void> {
    state.pending = true;
    try {
      state.value = await read();
      state.error = undefined;
    } catch (error) {
      state.error = error;
    }
    state.pending = false;
    if (!signal.aborted) update();
  }

  void again();
  return Object.assign(state, { again });
}

/** What the client answers when it has not thrown. */
export function answered<T>({ data }: { readonly data?: T }): T {
  if (data === undefined) throw new Error('The server answered nothing.');
  return data;
}
