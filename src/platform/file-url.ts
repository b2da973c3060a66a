import { parse, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The directory of a `file:///absolute/directory`, or of a `file:./directory` below the working directory; undefined for
 * what names none, as another machine's, the root of the disk, or one with a query behind it.
 */
export function directoryOf(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== 'file:' || /[?#]/.test(url) || url.length === 'file:'.length) return undefined;
  try {
    // A URL knows no relative path: `file:./var` would become /var.
    const directory = /^file:\/\//i.test(url)
      ? fileURLToPath(parsed)
      : resolve(decodeURIComponent(url.slice('file:'.length)));
    return directory === parse(directory).root || directory.includes('\0') ? undefined : directory;
  } catch {
    return undefined;
  }
}
