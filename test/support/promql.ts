import { parser } from '@prometheus-io/lezer-promql';

type Node = ReturnType<typeof parser.parse>['topNode'];

/** A metric in an expression, and what stands around it. */
export interface Selector {
  readonly metric: string;
  /** Labels by which series are chosen. */
  readonly matched: readonly string[];
  /** Functions and aggregations around it, the nearest first. */
  readonly within: readonly string[];
  /** The labels that the aggregations around it keep, the nearest first; none of what only chooses others, right of `and`. */
  readonly kept: readonly (readonly string[])[];
}

/** What an expression asks for. Throws where it is not PromQL. */
export function selectorsOf(expression: string): Selector[] {
  const text = (node: Node) => expression.slice(node.from, node.to);
  const selectors: Selector[] = [];
  parser.parse(expression).iterate({
    enter({ node, type }) {
      if (type.isError) throw new Error(`not PromQL at ${node.from}: ${expression.slice(node.from)}`);
      if (type.name !== 'VectorSelector') return;
      const metric = node.getChild('Identifier');
      if (metric === null) throw new Error(`a selector without a name: ${text(node)}`);
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      const matched = matchers.flatMap((matcher) => matcher.getChildren('LabelName').map(text));
      const within: string[] = [];
      const kept: string[][] = [];
      let chooses = false;
      for (
        let [inner, around] = [node, node.parent];
        around !== null;
        [inner, around] = [around, around.parent]
      ) {
        const isSetOperation = around.getChild('And') !== null || around.getChild('Unless') !== null;
        if (isSetOperation && around.lastChild?.from === inner.from) chooses = true;
        if (around.name === 'AggregateExpr') within.push(text(around.getChild('AggregateOp') as Node));
        if (around.name === 'AggregateExpr' && !chooses) {
          const labels = around.getChild('AggregateModifier')?.getChild('GroupingLabels');
          kept.push(labels?.getChildren('LabelName').map(text) ?? []);
        }
        if (around.name === 'FunctionCall') within.push(text(around.getChild('FunctionIdentifier') as Node));
      }
      selectors.push({ metric: text(metric), matched, within, kept });
    },
  });
  return selectors;
}
