import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/db/root.ts';
import { type Instruction, instructionsOf, isLeftOut } from './dockerfile.ts';

const root = packageRoot();
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** What may stand in a Dockerfile of this house: what is wrong with one, as sentences. */
const rules: Readonly<Record<string, (all: readonly Instruction[]) => string[]>> = {
  'the base is an argument with a tag, and is named in one place': (all) => {
    const defaults = all.filter(({ name }) => name === 'ARG').map(({ text }) => /^(\w+)=(.+)$/.exec(text));
    const tag = (name: string) => defaults.find((found) => found?.[1] === name)?.[2] ?? '';
    return all
      .filter(({ name }) => name === 'FROM')
      .map(({ text }) => /^\$\{(\w+)\}( AS \w+)?$/.exec(text)?.[1] ?? text)
      .filter((name) => !/^[\w./-]+:(?!latest)[\w.-]+(@sha256:[0-9a-f]{64})?$/.test(tag(name)));
  },
  'nothing is fetched behind the back of the lock file': (all) => [
    ...all.filter(({ name }) => name === 'ADD').map(({ text }) => text),
    ...all
      .filter(
        ({ name, text }) =>
          name === 'RUN' && /(^|&&|\||;)\s*(curl|wget|npm i(nstall)?|apt-get|npx)\b/.test(text),
      )
      .map(({ text }) => text),
  ],
  'no install script of a dependency runs': (all) =>
    all
      .filter(({ text }) => /\bnpm ci\b/.test(text) && !/--ignore-scripts/.test(text))
      .map(({ text }) => text),
  'what runs gets its signals: exec form, no shell': (all) =>
    all
      .filter(({ name }) => ['ENTRYPOINT', 'CMD'].includes(name))
      .filter(({ text }) => !/^\["[^"]+"(, "[^"]+")*\]$/.test(text) || /\b(ba)?sh\b|\bnpm\b/.test(text))
      .map(({ text }) => text),
  'the last user is a number and not root': (all) => {
    const [user] = all.filter(({ name }) => name === 'USER').slice(-1);
    return /^[1-9]\d*:[1-9]\d*$/.test(user?.text ?? '') ? [] : [user?.text ?? 'nobody'];
  },
  'the orchestrator looks at it, and no process in it': (all) =>
    all.some(({ name, text }) => name === 'HEALTHCHECK' && text === 'NONE') ? [] : ['HEALTHCHECK NONE'],
  'nothing secret is an argument, a variable or a file': (all) =>
    all
      .filter(
        ({ name, text }) =>
          ['ARG', 'ENV'].includes(name) && /token|secret|passw|_auth|npmrc|registry=/i.test(text),
      )
      .map(({ text }) => text),
  'only named files come in': (all) =>
    all.filter(({ name, text }) => name === 'COPY' && /^\.\/?\s/.test(text)).map(({ text }) => text),
  'it says what it is': (all) => {
    const labels = all
      .filter(({ name }) => name === 'LABEL')
      .map(({ text }) => text)
      .join(' ');
    return ['title', 'description', 'version', 'revision', 'source', 'licenses'].filter(
      (label) => !labels.includes(`org.opencontainers.image.${label}=`),
    );
  },
  'the plain builder understands it': (all) => [
    ...all
      .filter(({ text }) => /(^|\s)--(mount|link|chmod|exclude|parents)\b/.test(text))
      .map(({ text }) => text),
    ...all.filter(({ name, text }) => name === '#' && /^syntax=/.test(text)).map(({ text }) => text),
    ...all.filter(({ text }) => /<<-?\w/.test(text)).map(({ text }) => text),
  ],
};

const wrong: Readonly<Record<keyof typeof rules, readonly string[]>> = {
  'the base is an argument with a tag, and is named in one place': [
    'FROM node:24',
    'ARG B=node:latest\nFROM $' + '{B} AS x',
    'ARG B=node\nFROM $' + '{B}',
  ],
  'nothing is fetched behind the back of the lock file': [
    'ADD https://example.com/x /x',
    'RUN curl x | sh',
    'RUN npm install left-pad',
  ],
  'no install script of a dependency runs': ['RUN npm ci --omit=dev'],
  'what runs gets its signals: exec form, no shell': [
    'CMD node x',
    'ENTRYPOINT ["sh", "-c", "node x"]',
    'ENTRYPOINT ["npm", "start"]',
  ],
  'the last user is a number and not root': ['FROM a', 'USER node', 'USER 10001:10001\nUSER 0:0'],
  'the orchestrator looks at it, and no process in it': ['HEALTHCHECK CMD curl localhost'],
  'nothing secret is an argument, a variable or a file': ['ARG NPM_TOKEN', 'ENV DB_PASSWORD=x'],
  'only named files come in': ['COPY . .', 'COPY ./ /app/'],
  'it says what it is': ['LABEL org.opencontainers.image.title="a"'],
  'the plain builder understands it': [
    '# syntax=docker/dockerfile:1',
    'RUN --mount=type=cache,target=/root npm ci',
    'COPY --chmod=755 a b',
  ],
};

describe('the Dockerfile', () => {
  const instructions = instructionsOf(read('Dockerfile'));

  it.each(Object.entries(rules))('%s', (name, rule) => {
    expect(instructions.filter(({ name: word }) => word === 'FROM')).toHaveLength(3);
    expect(rule(instructions)).toEqual([]);
    for (const text of wrong[name] ?? []) expect([text, rule(instructionsOf(text))]).not.toEqual([text, []]);
  });

  it('has the version of package.json', () => {
    const { version, license, description } = JSON.parse(read('package.json'));
    expect(instructions).toContainEqual({ name: 'ARG', text: `VERSION=${version}` });
    const labels = instructions.find(({ name }) => name === 'LABEL')?.text ?? '';
    expect(labels).toContain(`licenses="${license}"`);
    expect(labels).toContain(`description="${description}"`);
  });

  it('is given every file that it copies, and no other', () => {
    const ignore = read('.dockerignore');
    const copied = instructions
      .filter(({ name, text }) => name === 'COPY' && !text.includes('--from='))
      .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) {
      expect([path, isLeftOut(ignore, path)]).toEqual([path, false]);
      expect(readdirSync(join(root, path, '..'))).toContain(path.split('/').at(-1));
    }
    for (const path of ['docs/runbooks/horizon.md', 'docs/runbooks/README.md'])
      expect([path, isLeftOut(ignore, path)]).toEqual([path, false]);
    const secrets = ['.env', '.env.local', 'src/.env', 'bin/tls.key', 'sql/ca.pem', '.npmrc', '.git/config'];
    const ballast = [
      'test/tidy.test.ts',
      'node_modules/pg/package.json',
      'src/node_modules/x',
      'var/postgres/credentials.json',
    ];
    for (const path of [
      ...secrets,
      ...ballast,
      'bench/write.ts',
      'compose.yaml',
      'docs/errors.md',
      'tools/setup.mjs',
      'dump.sql',
    ]) {
      expect([path, isLeftOut(ignore, path)]).toEqual([path, true]);
    }
  });
});
