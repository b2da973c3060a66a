/** A path with names for its parts: `/console/quarters/:quarter`. */
export interface Route<T> {
  readonly path: string;
  readonly to: T;
}

export interface Match<T> {
  readonly to: T;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The first route whose path has this shape; undefined where there is none, or where the path cannot be decoded. */
export function match<T>(routes: readonly Route<T>[], path: string): Match<T> | undefined {
  const parts = partsOf(path);
  for (const route of routes) {
    const wanted = partsOf(route.path);
    if (wanted.length !== parts.length) continue;
    const parameters = parametersOf(wanted, parts);
    if (parameters !== undefined) return { to: route.to, parameters };
  }
  return undefined;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

function parametersOf(
  wanted: readonly string[],
  parts: readonly string[],
): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [i, part] of parts.entries()) {
    const name = wanted[i] ?? '';
    if (!name.startsWith(':')) {
      if (name !== part) return undefined;
      continue;
    }
    try {
      parameters[name.slice(1)] = decodeURIComponent(part);
    } catch {
      return undefined;
    }
  }
  return parameters;
}
