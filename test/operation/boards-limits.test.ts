import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { boardNames, readBoard, root } from './boards.ts';

const file = join(root, 'helm', 'quartermaster', 'files', 'alerts.yaml');

interface Rule {
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: { readonly severity?: string };
}

const rules = (parse(readFileSync(file, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

/** Which alerts a panel is coloured for, and the factor from their unit to its own. */
const coloured: Record<string, { alerts: readonly string[]; factor?: number }> = {
  'Writes find a partition for': { alerts: ['HorizonCritical', 'HorizonLow'], factor: 1 / 86_400 },
  'There are quarters for': { alerts: ['HorizonCritical', 'HorizonLow'], factor: 1 / 86_400 },
  'Requests that fail': { alerts: ['ApiErrors'] },
  '99 % of requests are answered within': { alerts: ['ApiSlow'] },
  'Quarters that need a person': { alerts: ['QuarterBlocked'] },
  'Quarters that are stuck': { alerts: ['QuarterBlocked'] },
  'Oldest job that waits for a worker': { alerts: ['JobsWaiting'] },
  'Oldest job that is ready, by queue': { alerts: ['JobsWaiting'] },
  'Age of the figures': { alerts: ['FiguresStale'] },
  'Reading the figures of this page': { alerts: ['FiguresStale'] },
  'Switched off by a setting': { alerts: ['SwitchedOff'] },
  'Queue, as a share of its limit': { alerts: ['PostingQueueNearlyFull'] },
  'Connections of the server': { alerts: ['ServerConnectionsNearlyUsedUp'] },
  'Who is in the way of maintenance': { alerts: ['MaintenanceBlocked'] },
  'A quarter is half detached for': { alerts: ['DetachPending'] },
  Drift: { alerts: ['Drift'] },
  'Tables whose statistics are old': { alerts: ['StatisticsStale'] },
  'Indexes that want care': { alerts: ['IndexesWantCare'] },
  'Updates that needed no new index entry': { alerts: ['HotRatioLow'] },
  'Way to a forced vacuum': { alerts: ['FreezeAgeHigh'] },
  'Transactions since the oldest that is not frozen': { alerts: ['WraparoundNear'] },
  'Postings the summaries do not have yet': { alerts: ['SummariesBehind'] },
  'Summaries are behind by': { alerts: ['SummariesBehind'] },
  'How late the summaries are': { alerts: ['SummariesBehind'] },
  'Wait to be approved': { alerts: ['ApprovalWaiting'] },
  'Imbalances found': { alerts: ['LedgerImbalance'] },
  Imbalances: { alerts: ['LedgerImbalance'] },
  'Readings that found damage, 30 days': { alerts: ['ArchiveDamaged'] },
  'Wrong rows in summaries, 7 days': { alerts: ['SummariesDiffered'] },
  'Steps that could have been taken': { alerts: ['StepOverdue'], factor: 1 / 86_400 },
  'Not read for': { alerts: ['FixityOverdue'], factor: 1 / 86_400 },
  'Longest time an archive was not read': { alerts: ['FixityOverdue'], factor: 1 / 86_400 },
};

/** Coloured for what no single alert says. */
const free = ['Alerts that fire', 'Pods of the API that are ready'];

const colours: Record<string, string> = { critical: 'red', warning: 'orange', info: 'yellow' };

/** The first number that the expression compares with, and how. What is whole and more than 0 is 1 at least. */
function limitOf(expr: string): { operator: '<' | '>'; limit: number } {
  const [, operator = '', text = ''] = /([<>]|==) *((?:[\d.e]+)(?: *\* *[\d.e]+)*)/.exec(expr) ?? [];
  const limit = text.split('*').reduce((product, factor) => product * Number(factor), 1);
  return operator === '<' ? { operator, limit } : { operator: '>', limit: limit === 0 ? 1 : limit };
}

describe('a panel has the colour of its alert:', () => {
  const panels = boardNames.flatMap((name) => readBoard(name).panels);

  it.each(Object.entries(coloured))('%s', (title, { alerts, factor = 1 }) => {
    const steps =
      panels.find((panel) => panel.title === title)?.fieldConfig?.defaults.thresholds?.steps ?? [];
    const wanted = alerts
      .map((alert) => rules.find((rule) => rule.alert === `Quartermaster${alert}`))
      .map((rule) => ({ ...limitOf(rule?.expr ?? ''), colour: colours[rule?.labels?.severity ?? ''] }))
      .sort((one, other) => one.limit - other.limit);
    // Under a least value a panel is lit below it, over a greatest one above it.
    const below = wanted.every(({ operator }) => operator === '<');
    const values = [null, ...wanted.map(({ limit }) => limit * factor)];
    const lit = wanted.map(({ colour }) => colour);
    const expected = below ? [...lit, 'green'] : ['green', ...lit];
    expect(steps).toEqual(values.map((value, index) => ({ color: expected[index], value })));
  });

  it('and none has a colour of its own', () => {
    const lit = panels.filter(({ fieldConfig }) => (fieldConfig?.defaults.thresholds?.steps.length ?? 0) > 1);
    expect(lit.map(({ title }) => title).sort()).toEqual([...Object.keys(coloured), ...free].sort());
  });
});
