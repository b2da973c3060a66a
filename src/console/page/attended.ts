import { now } from './clock.ts';

/** What a person does at the page, by touch, mouse or keys. That the pointer is elsewhere may be the page's own doing. */
const INPUTS = ['pointerdown', 'keydown', 'wheel', 'input'];

/** Milliseconds after an input for which the page is taken to be used. */
const USED_FOR_MS = 30_000;

/**
 * Whether somebody is at the page: a tab that looks again and again by itself must not keep a session from its end, and so it says
 * with each request that nobody has touched it.
 *
 * @returns true for half a minute after each input, and after the page was opened
 */
export function createAttended(target: EventTarget): () => boolean {
  let last = now().getTime();
  const note = () => {
    last = now().getTime();
  };
  for (const name of INPUTS) target.addEventListener(name, note, { capture: true, passive: true });
  // A clock that was set back must not keep it used.
  return () => Math.abs(now().getTime() - last) < USED_FOR_MS;
}
