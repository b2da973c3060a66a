import { createInterface } from 'node:readline/promises';
import { AppError } from '../core/errors.ts';
import { throwIfAborted } from '../platform/retry.ts';
import type { CommandKit } from './command.ts';
import { paint } from './paint.ts';
import { wrap } from './table.ts';
import { columnsOf, note, show, type Terminal } from './terminal.ts';

/** Something that cannot be taken back. */
export interface Destruction {
  /** What will be lost, in sentences, each on a line. */
  readonly loses: readonly string[];
  /** What has to be typed for it to be done: the name of what is lost, or `yes`. */
  readonly type: string;
  /** How it is asked for without a question. */
  readonly otherwise: string;
}

/**
 * Asks on a terminal whether it is meant, and does without where `--yes` was given. Where nobody can be asked it is refused.
 *
 * @throws AppError invalid/not_confirmed; aborted/aborted when it is stopped meanwhile
 */
export async function requireConfirmed(
  kit: CommandKit,
  terminal: Terminal,
  flags: { readonly yes?: boolean },
  { loses, type, otherwise }: Destruction,
): Promise<void> {
  if (flags.yes === true) return;
  const { input } = kit;
  if (input?.isTTY !== true || terminal.err.isTTY !== true || terminal.json) {
    throw new AppError('invalid', 'not_confirmed', `${loses.join(' ')} ${otherwise}`);
  }
  note(
    terminal,
    [paint('bad', 'This cannot be taken back.'), ...inLines(loses, columnsOf(terminal.err))].join('\n'),
  );
  show(terminal.err, `Type ${paint('strong', type)} to go on: `);
  // Without its own editing the line is the terminal's, so that Ctrl-C stays the signal that it is everywhere.
  const reader = createInterface({ input, terminal: false });
  try {
    const answer = await answerOf(reader, kit.entry.signal);
    throwIfAborted(kit.entry.signal);
    if (answer?.trim().toLowerCase() === type.toLowerCase()) return;
    if (answer === undefined) terminal.err.write('\n');
    const said = answer === undefined || answer.trim() === '' ? 'Nothing was typed' : `${type} was not typed`;
    throw new AppError('invalid', 'not_confirmed', `${said}, and nothing was done.`);
  } finally {
    reader.close();
  }
}

/** Sentences that are indented and broken at blanks, but not between a figure and its unit. */
function inLines(sentences: readonly string[], width: number): string[] {
  return sentences.flatMap((sentence) =>
    wrap(sentence.replace(/(\d) (?=[KMGT]?i?B\b|\d\d:)/g, '$1\u00a0'), width - 4).map(
      (line, at) => `${at === 0 ? '  ' : '    '}${line.replaceAll('\u00a0', ' ')}`,
    ),
  );
}

/** The next line; undefined when there is none any more, or when it is not waited for any longer. */
function answerOf(
  reader: ReturnType<typeof createInterface>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const giveUp = () => resolve(undefined);
  reader.once('line', resolve);
  reader.once('close', giveUp);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  return promise.finally(() => signal.removeEventListener('abort', giveUp));
}
