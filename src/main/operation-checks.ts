import type { Check, ChecksHouse } from './operation-check.ts';
import { quarterChecks } from './operation-checks-quarters.ts';
import { upkeepChecks } from './operation-checks-upkeep.ts';
import type { OperationFacts } from './operation-facts.ts';

const states = ['critical', 'warning', 'unknown', 'ok'] as const;

/**
 * What a person on duty would look at first, the worst first: judged from the same figures as the alerts, by their limits
 * (helm/quartermaster/files/alerts.yaml), without the time for which those wait.
 */
export function checksOf(facts: OperationFacts, house: ChecksHouse): Check[] {
  const checks = [...quarterChecks, ...upkeepChecks].map(({ name, advice, runbook, look }): Check => {
    const { state, detail } = look(facts, house);
    const isQuiet = state === 'ok' || state === 'unknown';
    return { name, state, detail, advice: isQuiet ? null : advice, runbook: `docs/runbooks/${runbook}.md` };
  });
  return checks.sort((a, b) => states.indexOf(a.state) - states.indexOf(b.state));
}
