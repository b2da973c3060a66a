import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { variables } from '../../src/platform/settings.ts';
import { documentedValues, renderReadme } from './readme.ts';
import { valuesSchema } from './schema.ts';
import { givenByTheChart, settings } from './settings.ts';

const chart = join(import.meta.dirname, '../../helm/quartermaster');
const read = (file: string) => readFileSync(join(chart, file), 'utf8');
const values = read('values.yaml');

/** `QM_TEST_WRITE_CHART=1` writes what is made instead of comparing it. */
function expectFresh(file: string, wanted: string): void {
  if (process.env.QM_TEST_WRITE_CHART !== undefined) writeFileSync(join(chart, file), wanted);
  expect(read(file), `QM_TEST_WRITE_CHART=1 vitest run test/chart/generated.test.ts writes ${file}`).toBe(
    wanted,
  );
}

type Schema = Readonly<Record<string, unknown>>;

/** Every object of a schema, by its path. */
function objectsOf(schema: Schema, path: string): [string, Schema][] {
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const inner = Object.entries(properties).flatMap(([name, each]) => objectsOf(each, `${path}.${name}`));
  const items = schema.items === undefined ? [] : objectsOf(schema.items as Schema, `${path}[]`);
  const isObject = [schema.type].flat().includes('object');
  return [...(isObject ? ([[path, schema]] as [string, Schema][]) : []), ...inner, ...items];
}

function pathsOf(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return [
    ...(path === '' ? [] : [path]),
    ...Object.entries(value).flatMap(([name, each]) => pathsOf(each, path === '' ? name : `${path}.${name}`)),
  ];
}

function hasPath(schema: Schema, [name, ...rest]: string[]): boolean {
  if (name === undefined || '$comment' in schema) return true;
  const inner = (schema.properties as Record<string, Schema> | undefined)?.[name];
  return inner === undefined ? typeof schema.additionalProperties === 'object' : hasPath(inner, rest);
}

describe('what is made from something else is fresh:', () => {
  it('the README from values.yaml', () => {
    const head = readFileSync(join(import.meta.dirname, 'readme-head.md'), 'utf8');
    expectFresh('README.md', renderReadme(head, documentedValues(values)));
  });

  it('the schema from the settings of the program', () => {
    expectFresh('values.schema.json', `${JSON.stringify(valuesSchema, undefined, 2)}\n`);
  });
});

describe('the chart', () => {
  it('is of the version of the program', () => {
    const { version } = JSON.parse(readFileSync(join(chart, '../../package.json'), 'utf8'));
    expect(parse(read('Chart.yaml'))).toMatchObject({ appVersion: version });
  });
});

describe('values', () => {
  it('are all documented', () => {
    expect(documentedValues(values).length).toBeGreaterThan(150);
    expect(documentedValues(values).filter(({ what }) => what === '')).toEqual([]);
  });

  it('are all in the schema', () => {
    const paths = pathsOf(parse(values), '');
    expect(paths.length).toBeGreaterThan(200);
    expect(paths.filter((path) => !hasPath(valuesSchema, path.split('.')))).toEqual([]);
  });

  it('that the schema knows are all in values.yaml, but for what stands above the chart', () => {
    const given = new Set(pathsOf(parse(values), ''));
    const known = (valuesSchema.properties ?? {}) as Record<string, Schema>;
    const leaves = (schema: Schema, path: string): string[] =>
      Object.entries((schema.properties ?? {}) as Record<string, Schema>).flatMap(([name, each]) => [
        `${path}.${name}`,
        ...leaves(each, `${path}.${name}`),
      ]);
    const free =
      /^(global|enabled)$|config\.QM_|Probe\.(initialDelay|success)|resources\.(claims|requests|limits)|\[\]/;
    const paths = Object.entries(known).flatMap(([name, each]) => [name, ...leaves(each, name)]);
    expect(paths.filter((path) => !free.test(path) && !given.has(path))).toEqual([]);
  });
});

describe('the schema', () => {
  it('is closed at every level, but for what Kubernetes defines', () => {
    const objects = objectsOf(valuesSchema, '');
    expect(objects.length).toBeGreaterThan(60);
    const open = objects.filter(
      ([, schema]) => schema.additionalProperties === undefined && !('$comment' in schema),
    );
    expect(open.map(([path]) => path)).toEqual([]);
  });

  it('knows every setting of the program that the chart does not give itself, and no other', () => {
    const config = (valuesSchema.properties as Record<string, Schema>).config as Schema;
    const known = [...Object.keys(config.properties as object), ...givenByTheChart];
    expect(Object.keys(variables).filter((name) => !known.includes(name))).toEqual([]);
    expect(known.filter((name) => !(name in settings))).toEqual([]);
    expect(new Set(known).size).toBe(known.length);
  });
});
