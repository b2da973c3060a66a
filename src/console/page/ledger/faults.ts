import { QuartermasterError } from '../../../../clients/typescript/src/index.ts';

/** Codes that are about one field, though the server says so in words alone. */
const fieldOfCode: Readonly<Record<string, string>> = {
  account_not_found: 'account',
  currency_required: 'currency',
  no_such_quarter: 'quarter',
};

/**
 * What is wrong with which field, in the server's words. Empty where the refusal is about none of them: then it is told as a
 * whole.
 */
export function faultsOf(error: unknown, fields: readonly string[]): ReadonlyMap<string, string> {
  const faults = new Map<string, string>();
  if (!(error instanceof QuartermasterError)) return faults;
  for (const { parameter, detail } of error.problem?.errors ?? []) {
    if (parameter !== undefined && fields.includes(parameter)) faults.set(parameter, detail);
  }
  const field = fieldOfCode[error.code];
  if (field !== undefined && fields.includes(field)) faults.set(field, error.message);
  return faults;
}
