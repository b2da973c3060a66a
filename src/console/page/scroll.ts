import { now } from './clock.ts';

/** How long the place where somebody was is looked for, while the view is still growing. */
const PATIENCE_MS = 3000;

export interface Scroll {
  /** Notes where one is, before another address is shown. */
  leave(): void;
  /** Names the entry of the history that is shown now: a new one begins at its top, an old one where it was left. */
  enter(state: unknown): void;
  /** Called after each drawing: an old entry may have grown as far as where it was left. */
  settle(): void;
  /** What a new entry of the history is to be given. */
  nextState(): { readonly entry: number };
}

/** Where one was on each address of the history, for when one comes back to it. Kept as long as the page is. */
export function createScroll(): Scroll {
  history.scrollRestoration = 'manual';
  const positions = new Map<number, number>();
  const entryOf = (state: unknown) => (state as { entry?: number } | null)?.entry ?? 0;
  let current = entryOf(history.state);
  let last = current;
  let wanted: { readonly y: number; readonly until: number } | undefined;
  // Whoever moves the page themselves is where they want to be.
  for (const event of ['wheel', 'keydown', 'pointerdown', 'touchstart']) {
    window.addEventListener(event, () => (wanted = undefined), { passive: true });
  }

  function settle(): void {
    if (wanted === undefined) return;
    window.scrollTo(0, wanted.y);
    if (Math.abs(window.scrollY - wanted.y) < 2 || now().getTime() > wanted.until) wanted = undefined;
  }

  return {
    leave: () => void positions.set(current, window.scrollY),
    enter(state) {
      current = entryOf(state);
      wanted = { y: positions.get(current) ?? 0, until: now().getTime() + PATIENCE_MS };
    },
    settle,
    nextState: () => ({ entry: ++last }),
  };
}
