import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { displayWidth } from '../../src/cli/width.ts';
import { packageRoot } from '../../src/db/root.ts';
import { createKey, listKeys } from '../../src/ledger/keys.ts';
import type { QuarterHouse } from '../../src/quarters/context.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { holdQuarter } from '../../src/quarters/hold.ts';
import { unholdQuarter } from '../../src/quarters/unhold.ts';
import { openHouse } from '../quarters/support.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { onTerminal, runOnTerminal } from './pty.ts';

const ESCAPE = '\u001b';
const hasScript = spawnSync('script', ['--version']).status === 0;

let home: TestDatabase;
let house: QuarterHouse;
let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  home = await createDatabase({ zone: 'Europe/Paris' });
  house = openHouse(home.url, { zone: 'Europe/Paris', now: '2016-08-01T12:00:00Z' });
  await ensureQuarters(house, { actor: 'test' }, new Date('2015-02-01'), new Date('2016-08-01'));
  directory = await mkdtemp(join(tmpdir(), 'test-cli-pty-'));
  env = { QM_DATABASE_URL: home.url, QM_TIMEZONE: 'Europe/Paris', QM_STORE: `file://${directory}` };
});

afterAll(async () => {
  await house?.database.close();
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

/** The program in a pipe. */
function piped(args: readonly string[], more: Record<string, string> = {}) {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(QM_|NO_COLOR|FORCE_|CI$)/.test(name)),
  );
  const cli = join(packageRoot(), 'src', 'main', 'cli.ts');
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [cli, ...args], { env: { ...clean, ...env, ...more } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    ).stdin?.end();
  });
}

describe.skipIf(!hasScript)('on a terminal', () => {
  it.each([80, 140])('of %i columns the list is in colours and breaks no line', async (columns) => {
    const { code, shown } = await runOnTerminal(['quarters', 'list'], { columns, env });
    expect(code).toBe(0);
    expect(shown).toContain(`${ESCAPE}[32m○ open${ESCAPE}[39m`);
    const lines = stripVTControlCharacters(shown).trimEnd().split('\r\n');
    expect(lines[0]).toMatch(columns === 80 ? /Next by itself$/ : /Digest$/);
    for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(columns);
    expect(lines.at(-1)).toBe('Days are those of Europe/Paris.');
  });

  it.each<Record<string, string>>([{ NO_COLOR: '1' }, { TERM: 'dumb' }])(
    'there is no colour with %o',
    async (more) => {
      const { shown } = await runOnTerminal(['quarters', 'list'], { env: { ...env, ...more } });
      expect(shown).toContain('○ open');
      expect(shown).not.toContain(ESCAPE);
      expect((await runOnTerminal(['--help'], { env: { ...env, ...more } })).shown).not.toContain(ESCAPE);
    },
  );

  it('the help is as wide as it', async () => {
    const { shown } = await runOnTerminal(['quarters', 'restore', '--help'], { columns: 70, env });
    const lines = stripVTControlCharacters(shown).split('\r\n');
    const told = lines.slice(0, lines.indexOf('Examples:'));
    expect(told.length).toBeGreaterThan(10);
    for (const line of told) expect(line.length, line).toBeLessThanOrEqual(70);
    expect(shown).toContain(`${ESCAPE}[1mOptions:${ESCAPE}[22m`);
  });

  it('progress is drawn in place, and not where nothing can be', async () => {
    const args = ['quarters', 'close', '2015q1'];
    const closed = await runOnTerminal(args, { env });
    expect(closed.code, closed.shown).toBe(0);
    expect(closed.shown).toContain(`\r${ESCAPE}[2Kclose 2015q1`);
    const dumb = await runOnTerminal(args, { env: { ...env, TERM: 'dumb' } });
    expect(dumb.shown).toMatch(/^close 2015q1 +done/m);
    expect(dumb.shown).not.toContain(ESCAPE);
  });

  it('a key is revoked when yes is typed, and not before', async () => {
    const key = await createKey(house.database.write, {
      name: 'lost',
      roles: ['reader'],
      ledgers: null,
      expiresAt: null,
    });
    const isGood = async () =>
      (await listKeys(house.database.write)).find(({ id }) => id === key.id)?.revokedAt === null;
    const refused = onTerminal(['keys', 'revoke', key.id], { env });
    await refused.until('to go on: ');
    expect(stripVTControlCharacters(refused.shown())).toMatch(
      /This cannot be taken back\.\r\n {2}Whoever uses the key/,
    );
    refused.type('no\n');
    expect(await refused.ended).toBe(exitCodes.invalid);
    expect(refused.shown()).toContain('yes was not typed, and nothing was done.');
    expect(await isGood()).toBe(true);
    const agreed = onTerminal(['keys', 'revoke', key.id], { env });
    await agreed.until('to go on: ');
    agreed.type('Yes\n');
    expect(await agreed.ended, agreed.shown()).toBe(0);
    expect(await isGood()).toBe(false);
  });

  it('Ctrl-C at the question stops it, and nothing is done', async () => {
    const key = await createKey(house.database.write, {
      name: 'kept',
      roles: ['reader'],
      ledgers: null,
      expiresAt: null,
    });
    const run = onTerminal(['keys', 'revoke', key.id], { env });
    await run.until('to go on: ');
    run.type('\u0003');
    expect(await run.ended).toBe(exitCodes.aborted);
    const found = (await listKeys(house.database.write)).find(({ id }) => id === key.id);
    expect(found?.revokedAt).toBeNull();
  });

  it('the end of what is typed is no yes', async () => {
    const run = onTerminal(['migrate', 'down'], { env });
    await run.until('to go on: ');
    run.type('\u0004');
    expect(await run.ended).toBe(exitCodes.invalid);
    expect(run.shown()).toContain('Nothing was typed, and nothing was done.');
  });

  it('a drop says what is lost and has the name typed; a dry run asks nobody', async () => {
    const args = ['quarters', 'drop', '2015q1', '--reason', 'old'];
    const run = onTerminal(args, { env });
    await run.until(/Type .*2015q1.* to go on: /);
    expect(stripVTControlCharacters(run.shown())).toMatch(
      /This drops the tables of 2015q1\.[\s\S]*2015q1: 0 transactions, .* online\.\s+What\s+is\s+left\s+is\s+no\s+archive\s+that\s+was\s+found\s+right\./,
    );
    // No line is longer than the terminal, which would break it anywhere.
    const asked = stripVTControlCharacters(run.shown()).split('\r\n');
    for (const line of asked) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(asked.join('\n')).toMatch(/2015q1: [\s\S]*\d [KMGT]?i?B online/);
    run.type('2015q1\n');
    // It is not detached, which the drop itself says.
    expect(await run.ended).toBe(exitCodes.conflict);
    expect(run.shown()).toContain('[quarter_state]');
    const dry = await runOnTerminal([...args, '--dry-run'], { env });
    expect(dry.shown).not.toContain('to go on');
    expect(dry.code).toBe(exitCodes.conflict);
  });

  it('a watch draws the list anew until Ctrl-C, and ends well', async () => {
    const run = onTerminal(['quarters', 'watch', '2016q1..2016q3', '--interval', '0.2'], { env });
    await run.until('2016q3');
    expect(run.shown()).not.toContain('held');
    await holdQuarter(house, { actor: 'ada', reason: 'a lawsuit' }, '2016q2');
    await run.until('open, held'.replace('open', `open${ESCAPE}[39m`));
    expect(run.shown()).toMatch(new RegExp(`${ESCAPE}\\[\\d+A`));
    run.type('\u0003');
    expect(await run.ended, run.shown()).toBe(0);
  });
});

describe('in a pipe', () => {
  it('there is no escape, tables are whole, and FORCE_COLOR is obeyed', async () => {
    const plain = await piped(['quarters', 'list']);
    expect(plain.code, plain.err).toBe(0);
    expect(plain.out + plain.err).not.toContain(ESCAPE);
    expect(plain.out.split('\n')[0]).toMatch(/Digest$/);
    expect((await piped(['quarters', 'list'], { FORCE_COLOR: '1' })).out).toContain(`${ESCAPE}[32m○ open`);
    const json = await piped(['quarters', 'list', '--json'], { FORCE_COLOR: '1' });
    expect(json.out).not.toContain(ESCAPE);
  });

  it.each([
    ['quarters drop 2015q1 --reason old', 'Add --yes to do it, or --dry-run'],
    ['quarters release 2015q1 --into audit', 'Add --yes to do it, or --dry-run'],
    ['migrate down', 'Add --yes to do it'],
  ])('%s is refused without --yes, with what to add', async (call, said) => {
    for (const more of [[], ['--json']]) {
      const { code, out, err } = await piped([...call.split(' '), ...more]);
      expect({ code, out }).toEqual({ code: exitCodes.invalid, out: '' });
      expect(err).toContain('not_confirmed');
      expect(err).toContain(said);
    }
  });

  it('a watch tells of what changes, a line each, and ends with 0 on a signal', async () => {
    const cli = join(packageRoot(), 'src', 'main', 'cli.ts');
    const child = spawn(
      process.execPath,
      [cli, 'quarters', 'watch', '2016q3', '--interval', '0.2', '--json'],
      {
        env: { PATH: process.env.PATH, ...env },
      },
    );
    const lines: Record<string, unknown>[] = [];
    let rest = '';
    const { promise: told, resolve } = Promise.withResolvers<void>();
    child.stdout.on('data', (chunk: Buffer) => {
      const [...whole] = `${rest}${chunk}`.split('\n');
      rest = whole.pop() ?? '';
      lines.push(...whole.map((line) => JSON.parse(line)));
      if (lines.length === 1) void holdQuarter(house, { actor: 'ada', reason: 'x' }, '2016q3');
      if (lines.length === 2) resolve();
    });
    await told;
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(lines).toMatchObject([
      { quarter: '2016q3', what: 'quarter', state: 'open', before: null },
      {
        quarter: '2016q3',
        what: 'quarter',
        state: 'open',
        before: 'open',
        marks: expect.arrayContaining(['held']),
      },
    ]);
  });

  it('a watch ends when nobody reads it any more', async () => {
    const cli = join(packageRoot(), 'src', 'main', 'cli.ts');
    const child = spawn(process.execPath, [cli, 'quarters', 'watch', '--interval', '0.2'], {
      env: { PATH: process.env.PATH, ...env },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    let code: number | undefined;
    const ended = once(child, 'exit').then(([ended]) => {
      code = ended as number;
    });
    // It learns that nobody reads when it writes the next time, so there is always something to write.
    for (let hold = true; code === undefined; hold = !hold) {
      const run = { actor: 'ada', reason: 'x' };
      await (hold ? holdQuarter(house, run, '2016q1') : unholdQuarter(house, run, '2016q1'));
    }
    await ended;
    expect(code).toBe(0);
  });
});
