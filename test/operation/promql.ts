import { parser } from '@prometheus-io/lezer-promql';

/** What an expression in PromQL asks for. */
export interface Expression {
  /** Pieces that cannot be parsed, as they stand in the text. */
  readonly faults: readonly string[];
  readonly selectors: readonly Selector[];
  /** Labels by which something is grouped or joined. */
  readonly grouping: ReadonlySet<string>;
}

export interface Selector {
  readonly metric: string;
  /** Labels it is narrowed down by. */
  readonly labels: readonly string[];
  /** The nearest aggregation around it, as `max`. */
  readonly aggregation: string | undefined;
}

type Node = ReturnType<typeof parser.parse>['topNode'];

/** Reads an expression in which no variables of a dashboard are left. */
export function readExpression(text: string): Expression {
  const faults: string[] = [];
  const selectors: Selector[] = [];
  const grouping = new Set<string>();
  const textOf = (node: Node | null) => (node === null ? '' : text.slice(node.from, node.to));

  function walk(node: Node, aggregation: string | undefined): void {
    if (node.type.isError) faults.push(`${text.slice(0, node.from)}⟪${textOf(node)}⟫${text.slice(node.to)}`);
    let inside = aggregation;
    if (node.name === 'AggregateExpr') inside = textOf(node.getChild('AggregateOp'));
    if (node.name === 'GroupingLabels')
      for (const label of node.getChildren('LabelName')) grouping.add(textOf(label));
    if (node.name === 'VectorSelector') {
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      selectors.push({
        metric: textOf(node.getChild('Identifier')),
        labels: matchers.map((matcher) => textOf(matcher.getChild('LabelName'))),
        aggregation,
      });
    }
    for (let child = node.firstChild; child !== null; child = child.nextSibling) walk(child, inside);
  }
  walk(parser.parse(text).topNode, undefined);
  return { faults, selectors, grouping };
}
