import type { QuarterVerb } from '../core/lifecycle.ts';

/** A verb to be done to a quarter, and who wants it. */
export interface QuarterStep {
  readonly verb: QuarterVerb;
  readonly quarter: string;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** Of a restore: until when, as an instant in ISO 8601. */
  readonly until?: string | undefined;
  /** Of a restore, and the release of it: the schema of its own. */
  readonly into?: string | undefined;
}
