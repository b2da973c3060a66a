import { userInfo } from 'node:os';

/** Who sits at the terminal. A container may run as a user that has no name. */
export function personOf(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
