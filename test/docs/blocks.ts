/** A fenced block of a page. */
export interface Block {
  /** `sh`, `console`, `json`, … */
  readonly language: string;
  readonly lines: readonly string[];
  /** The number of its first line in the file, from 1. */
  readonly line: number;
  /**
   * What the comment before it says: `<!-- skip: why -->`, `<!-- serve: name, until "text" -->`, `<!-- only: why -->`.
   * Undefined where there is none.
   */
  readonly mark: Mark | undefined;
}

export interface Mark {
  readonly word: 'skip' | 'serve' | 'stop' | 'copied';
  readonly text: string;
}

/** A command of a block, and what the page shows of its output. */
export interface Step {
  readonly command: string;
  readonly output: readonly string[];
  /** Where its output stands in the file, from 0: first line and the line after the last. */
  readonly from: number;
  readonly to: number;
}

/** All fenced blocks of a page, and its stops (`<!-- stop: name -->` by itself), in their order. */
export function blocksOf(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let mark: Mark | undefined;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const [, word, said] = /^<!-- (skip|serve|stop|copied): (.+) -->$/.exec(line) ?? [];
    if (word !== undefined && said !== undefined) {
      mark = { word: word as Mark['word'], text: said };
      if (word === 'stop') {
        blocks.push({ language: '', lines: [], line: at + 1, mark });
        mark = undefined;
      }
      continue;
    }
    const [, fence, language] = /^(`{3,})(\w*)/.exec(line) ?? [];
    if (fence !== undefined) {
      const from = at + 1;
      while (++at < lines.length && lines[at] !== fence);
      blocks.push({ language: language ?? '', lines: lines.slice(from, at), line: from + 1, mark });
      mark = undefined;
    } else if (line.trim() !== '') {
      mark = undefined;
    }
  }
  return blocks;
}

/** The commands of a `console` block: `$ ` begins one, `> ` goes on with it, all else is what it prints. */
export function stepsOf(block: Block): Step[] {
  const steps: { command: string; output: string[]; from: number; to: number }[] = [];
  for (const [index, line] of block.lines.entries()) {
    const last = steps.at(-1);
    const at = block.line - 1 + index;
    if (line.startsWith('$ ')) {
      steps.push({ command: line.slice(2), output: [], from: at + 1, to: at + 1 });
    } else if (line.startsWith('> ') && last !== undefined && last.output.length === 0) {
      last.command += `\n${line.slice(2)}`;
      last.from = last.to = at + 1;
    } else if (last === undefined) {
      throw new Error(`Line ${at + 1} of the page is the output of no command.`);
    } else {
      last.output.push(line);
      last.to = at + 1;
    }
  }
  return steps;
}
