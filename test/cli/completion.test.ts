import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { quarterStates } from '../../src/core/lifecycle.ts';
import { createEntry } from '../../src/main/entry.ts';
import { readConfig } from '../../src/platform/config.ts';
import { ensureQuarters } from '../../src/quarters/create.ts';
import { quarterActions } from '../../src/quarters/verbs.ts';
import { openHouse } from '../quarters/support.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let directory: string;
let home: TestDatabase;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'test-cli-completion-'));
  home = await createDatabase();
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await quartermaster(['completion', shell]);
    expect(code).toBe(0);
    await writeFile(join(directory, `script.${shell}`), out);
  }
  // In the stead of the program, which the scripts ask for the names of quarters and for nothing else.
  const program = join(directory, 'quartermaster');
  await writeFile(program, '#!/bin/sh\n[ "$*" = __quarters ] && printf "2024q1\\n2024q2\\n2025q1\\n"\n');
  await chmod(program, 0o755);
  await writeFile(join(directory, 'rows.csv'), '');
});

afterAll(async () => {
  await home?.drop();
  await rm(directory, { recursive: true, force: true });
});

async function quartermaster(args: readonly string[], env: Record<string, string> = {}) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const clock = fixedClock('2026-06-01T12:00:00Z');
  const entry = createEntry({ version: '1.2.3', clock, signal: new AbortController().signal });
  const kit = { entry: { ...entry, readConfig: () => readConfig(env) }, out, err };
  const code = await runCommandLine(kit, args);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

/** Runs a shell on a text, with the stand-in for the program in its path. */
function shell(program: string, args: readonly string[], text: string): string {
  const env = { PATH: `${directory}:${process.env.PATH}`, HOME: directory, TERM: 'dumb' };
  const { stdout, stderr, status } = spawnSync(program, [...args, text], {
    env,
    cwd: directory,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const complete = {
  bash(line: string): string[] {
    const words = line.split(' ');
    const quoted = words.map((word) => `'${word}'`).join(' ');
    return shell(
      'bash',
      ['--norc', '-c'],
      `source script.bash; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _quartermaster 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`,
    )
      .split('\n')
      .filter(Boolean);
  },
  zsh(line: string): string[] {
    const words = line.split(' ');
    const quoted = words.map((word) => `'${word}'`).join(' ');
    // What the completion system would show is written down instead: the function is the same, and so is what it is told.
    const stubs = `
compdef() { :; }
compset() { [[ $1 == -P ]] && PREFIX=\${PREFIX##*[.,]}; }
_files() { print -rl -- *(N); }
_describe() { local each; for each in \${(P)2}; do print -r -- \${each%%:*}; done; }
compadd() { shift; print -rl -- "$@"; }`;
    return shell(
      'zsh',
      ['-f', '-c'],
      `${stubs}\nsource ./script.zsh; words=(${quoted}); CURRENT=${words.length}; PREFIX=\${words[CURRENT]}; _quartermaster | while read -r each; do [[ $each == $PREFIX* || $PREFIX == *[.,]* ]] && print -r -- $each; done; true`,
    )
      .split('\n')
      .filter(Boolean);
  },
  fish(line: string): string[] {
    return shell('fish', ['--no-config', '-c'], `source script.fish; complete -C '${line}'`)
      .split('\n')
      .filter(Boolean)
      .map((each) => each.split('\t')[0] ?? '');
  },
};

const there = (name: string) => spawnSync(name, ['-c', 'exit 0']).status === 0;

describe.each(Object.entries(complete).map(([name, ask]) => ({ name, ask })))('$name', ({ name, ask }) => {
  describe.skipIf(!there(name))('completes', () => {
    it('commands', () => {
      expect(ask('quartermaster qu')).toEqual(expect.arrayContaining(['quarters', 'query']));
      expect(ask('quartermaster ')).toEqual(expect.arrayContaining(['demo', 'doctor', 'completion']));
      expect(ask('quartermaster ').filter((word) => word.startsWith('_'))).toEqual([]);
      const verbs = ask('quartermaster quarters ');
      expect(verbs).toEqual(
        expect.arrayContaining(['list', 'show', 'watch', ...Object.keys(quarterActions)]),
      );
      expect(verbs).not.toContain('demo');
    });

    it('options', () => {
      const options = ask('quartermaster quarters restore 2024q1 --');
      expect(options).toEqual(expect.arrayContaining(['--until', '--into', '--reason', '--json', '--help']));
      expect(options).not.toContain('--expires');
      expect(ask('quartermaster keys create --exp')).toEqual(['--expires']);
    });

    it('values', () => {
      expect(ask('quartermaster quarters list --state ').toSorted()).toEqual([...quarterStates].sort());
      expect(ask('quartermaster quarters list --state re')).toEqual(['restored']);
      expect(ask('quartermaster completion ').toSorted()).toEqual(['bash', 'fish', 'zsh']);
      expect(ask('quartermaster load ro')).toEqual(['rows.csv']);
    });

    it('quarters, and the ends of ranges', () => {
      expect(ask('quartermaster quarters show 2024')).toEqual(['2024q1', '2024q2']);
      expect(ask('quartermaster quarters list --quarters 2025')).toEqual(['2025q1']);
      const ends = ask('quartermaster quarters close 2024q1..2025');
      expect(ends.map((end) => end.replace(/^2024q1\.\./, ''))).toContain('2025q1');
    });
  });
});

describe('the names of quarters', () => {
  it('are those of the database where it answers', async () => {
    const house = openHouse(home.url, { now: '2026-06-01T12:00:00Z' });
    await ensureQuarters(house, { actor: 'test' }, new Date('2026-01-01'), new Date('2026-06-01'));
    await house.database.close();
    const { code, out, err } = await quartermaster(['__quarters'], { QM_DATABASE_URL: home.url });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n')).toEqual(expect.arrayContaining(['2026q1', '2026q2']));
    expect(out).not.toContain('2019');
  });

  it.each([{}, { QM_DATABASE_URL: 'postgres://app@127.0.0.1:1/none' }, { QM_PORT: 'x' }])(
    'are those around now where it does not, without a word: %o',
    async (env) => {
      const { code, out, err } = await quartermaster(['__quarters'], env as Record<string, string>);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out.trimEnd().split('\n')).toHaveLength(17);
      for (const name of out.trimEnd().split('\n')) expect(name).toMatch(/^\d{4}q[1-4]$/);
    },
  );
});
