import { AppError } from '../core/errors.ts';

/** How the name of a file begins that is still being written. No other file may be called so: it would be swept. */
export const UNFINISHED = '.tmp-';

/** Of one name, in bytes: no disk takes a longer one. */
const LONGEST = 255;

/**
 * The names of which a path in a store is made. It is relative, with `/` between names that are not empty, `.` or `..`,
 * and hold no backslash and no control character: these no listing of S3 can tell.
 *
 * @throws AppError invalid/invalid_path for a path that could lead out of the store, or that not every store can keep
 */
export function partsOf(path: string): string[] {
  const parts = path.split('/');
  if (path.isWellFormed() && parts.every(isName)) return parts;
  const detail = `${JSON.stringify(path)} is not a path in a store: it is relative, has names with / between them and no "..", no backslash and no control character.`;
  throw new AppError('invalid', 'invalid_path', detail);
}

function isName(part: string): boolean {
  if (part === '' || part === '.' || part === '..' || part.startsWith(UNFINISHED)) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return !/[\\\x00-\x1f\x7f]/.test(part) && Buffer.byteLength(part) <= LONGEST;
}
