import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/db/root.ts';
import { type Block, blocksOf, type Step, stepsOf } from './blocks.ts';
import { isSame, lasting } from './same.ts';
import type { Shell } from './shell.ts';

/** What stands on a page for something that every reader has another one of. */
export type StandIns = Readonly<Record<string, string>>;

export interface PageRun {
  /** Where commands are typed. */
  readonly shell: Shell;
  /** Where what serves is started and left alone: another terminal, or the same one. */
  readonly serving: Shell;
  /** The folder that the shell began in. */
  readonly checkout: string;
  readonly standIns: StandIns;
}

const HOME = '/home/you/quartermaster';

/** Runs every block of a page in its order. Gives each thing that is not as the page says. */
export async function runPage(path: string, run: PageRun): Promise<string[]> {
  const file = join(packageRoot(), path);
  const text = readFileSync(file, 'utf8');
  const faults: string[] = [];
  const written: { step: Step; output: string[] }[] = [];
  for (const block of blocksOf(text)) {
    const fault = (says: string) => faults.push(`${path}:${block.line}: ${says}`);
    const { mark } = block;
    if (mark?.word === 'stop') await run.serving.stop(mark.text);
    else if (mark?.word === 'serve') await serve(block, run);
    else if (block.language === 'sh' && mark === undefined) await runAll(block, run, fault);
    else if (block.language === 'console' && mark === undefined)
      written.push(...(await compare(block, run, fault)));
  }
  if (process.env.QM_TEST_WRITE_DOCS === '1') writeFileSync(file, withOutputs(text, written));
  return faults;
}

async function serve(block: Block, { serving, standIns }: PageRun): Promise<void> {
  const [, name, until] = /^(\w+), until "(.+)"$/.exec(block.mark?.text ?? '') ?? [];
  if (name === undefined || until === undefined)
    throw new Error(`Line ${block.line - 1}: serve: NAME, until "TEXT"`);
  await serving.serve(name, real(block.lines.join('\n'), standIns), until);
}

/** A block of commands alone: all have to succeed. */
async function runAll(
  block: Block,
  { shell, standIns }: PageRun,
  fault: (says: string) => void,
): Promise<void> {
  // Not in a shell of its own, for what it exports is for the blocks that follow.
  const { code, output } = await shell.run(real(block.lines.join('\n'), standIns));
  if (code !== 0) fault(`ended with ${code}:\n${output}`);
}

async function compare(
  block: Block,
  { shell, checkout, standIns }: PageRun,
  fault: (says: string) => void,
): Promise<{ step: Step; output: string[] }[]> {
  const written: { step: Step; output: string[] }[] = [];
  const steps = stepsOf(block);
  for (const [index, step] of steps.entries()) {
    const { code, output } = await shell.run(real(step.command, standIns));
    const told = shownAs(output, checkout, standIns);
    const shown = step.output.join('\n');
    // A page that lets a command fail shows with which code.
    if (code !== 0 && steps[index + 1]?.command !== 'echo $?')
      fault(`${step.command} ended with ${code}:\n${output}`);
    if (!isSame(shown, told))
      fault(`${step.command}\n--- the page\n${lasting(shown)}\n--- in truth\n${lasting(told)}`);
    written.push({ step, output: cutAs(step.output, told.split('\n')) });
  }
  return written;
}

/** The command as this reader types it. */
function real(command: string, standIns: StandIns): string {
  return Object.entries(standIns).reduce((text, [shown, value]) => text.replaceAll(shown, value), command);
}

/** The output as the page may show it: no folder of this machine, and no secret. */
function shownAs(output: string, checkout: string, standIns: StandIns): string {
  const plain = Object.entries(standIns).reduce(
    (text, [shown, value]) => text.replaceAll(value, shown),
    output,
  );
  return plain
    .replace(new RegExp(`\\b${userInfo().username}\\b`, 'g'), 'you')
    .replaceAll(checkout, HOME)
    .replaceAll(dirname(checkout), dirname(HOME))
    .replace(/\bqm_\w+/g, 'qm_…')
    .replaceAll('\r', '')
    .replace(/[ \t]+$/gm, '')
    .replace(/^\n+|\s+$/g, '');
}

/** As many lines at the front and at the end as the page showed before it was cut with `…`. */
function cutAs(shown: readonly string[], told: readonly string[]): string[] {
  const cut = shown.indexOf('…');
  if (cut < 0) return [...told];
  const tail = shown.length - cut - 1;
  return [...told.slice(0, cut), '…', ...told.slice(told.length - tail)];
}

function withOutputs(text: string, written: readonly { step: Step; output: string[] }[]): string {
  const lines = text.split('\n');
  // From the end, so that the numbers of the lines before stay right.
  for (const { step, output } of written.toReversed()) {
    lines.splice(step.from, step.to - step.from, ...(output.length === 1 && output[0] === '' ? [] : output));
  }
  return lines.join('\n');
}
