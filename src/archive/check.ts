/** One thing that was looked at, and what was found. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** For people: what was found right, or everything that was found wrong. */
  readonly detail: string;
}

/** More than this of one kind is not read by anybody. */
const SHOWN = 20;

/** A check that is passed when there is no fault. */
export function check(name: string, faults: readonly string[], passed: string): Check {
  if (faults.length === 0) return { name, ok: true, detail: passed };
  const more = faults.length > SHOWN ? [`and ${faults.length - SHOWN} more`] : [];
  return { name, ok: false, detail: [...faults.slice(0, SHOWN), ...more].join('; ') };
}
