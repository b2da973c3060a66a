import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Schema from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { useConsoleHouse } from '../console/house.ts';
import { codes, ofAll, ofBodies } from './http-codes.ts';
import { type Operation, readDocument, unknownMembers, whole } from './http-document.ts';
import { anchorOf, renderPage } from './http-page.ts';
import { type Example, record } from './http-record.ts';

const root = join(import.meta.dirname, '..', '..');
const page = join(root, 'docs', 'reference', 'http.md');
const recorded = join(import.meta.dirname, 'http-examples.json');
const isWriting = process.env.QM_TEST_WRITE_DOCS === '1';

/** Routes of which no example can be had from a demo that is well. */
const without: Readonly<Record<string, string>> = {
  retryJob: 'no step of a demo fails',
};

const document = await readDocument();
let examples: Record<string, Example> = existsSync(recorded)
  ? JSON.parse(readFileSync(recorded, 'utf8'))
  : {};

/** What is wrong with the example of a route: it has none, or one of another API. */
function faultOf({ operationId, responses }: Operation): string | undefined {
  const example = examples[operationId];
  if (example === undefined) return operationId in without ? undefined : `${operationId} has no example`;
  const answer = responses[String(example.status)];
  if (answer === undefined) return `${operationId} does not answer ${example.status}`;
  const [type = '', { schema = {} } = {}] = Object.entries(answer.content ?? {})[0] ?? [];
  if (!/json/.test(type)) return undefined;
  const shape = whole(schema, document.schemas);
  const unknown = unknownMembers(shape, example.answer);
  if (unknown.length > 0) return `${operationId} answers no ${unknown.join(', ')}`;
  const wrong = Schema.Check(shape, example.answer) ? undefined : 'its answer is of another shape';
  return wrong && `${operationId}: ${wrong}`;
}
const faults = () => document.operations.map(faultOf).filter((fault) => fault !== undefined);

describe.runIf(isWriting && faults().length > 0)('the examples', () => {
  const house = useConsoleHouse();
  it('are asked of a demo', { timeout: 300_000 }, async () => {
    const key = await house.key('ann', ['admin']);
    examples = await record(document.operations, { url: house.url, key });
    writeFileSync(recorded, `${JSON.stringify(examples, undefined, 2)}\n`);
  });
});

describe('docs/reference/http.md', () => {
  it('is what the code says (npm run docs:reference writes it)', () => {
    const now = renderPage(document, examples);
    if (isWriting) writeFileSync(page, now);
    expect(readFileSync(page, 'utf8')).toBe(now);
  });

  it('has an example of every route, of the shape that the route answers now', () => {
    expect(faults()).toEqual([]);
    const known = document.operations.map(({ operationId }) => operationId);
    expect(Object.keys(examples).filter((name) => !known.includes(name))).toEqual([]);
    expect(Object.keys(without).filter((name) => name in examples)).toEqual([]);
    expect(JSON.stringify(examples)).not.toMatch(/qm_[A-Za-z0-9]{8,}|\/tmp\//);
  });

  it('would tell of an example that is of another API', () => {
    const listed = document.operations.find(({ operationId }) => operationId === 'listLedgers') as Operation;
    const kept = examples.listLedgers as Example;
    for (const answer of [{ ledgers: 'all' }, { ...(kept.answer as object), extra: 1 }, {}]) {
      examples = { ...examples, listLedgers: { ...kept, answer } };
      expect(faultOf(listed)).toMatch(/^listLedgers/);
    }
    examples = { ...examples, listLedgers: kept };
    expect(faultOf(listed)).toBeUndefined();
  });

  it('names codes that there are, with statuses that their routes answer', () => {
    const statuses = statusesOfCodes();
    for (const name of [...Object.values(ofAll).flat(), ...ofBodies])
      expect(statuses.has(name), name).toBe(true);
    for (const [operationId, names] of Object.entries(codes)) {
      const operation = document.operations.find((one) => one.operationId === operationId);
      const answered = Object.keys(operation?.responses ?? {}).map(Number);
      const wrong = names.filter((name) => !statuses.get(name)?.some((status) => answered.includes(status)));
      expect([operationId, wrong]).toEqual([operationId, []]);
    }
  });

  it('has headings that can be led to, each once', () => {
    const headings = [...readFileSync(page, 'utf8').matchAll(/^#{2,3} (.+)$/gm)].map(([, text = '']) =>
      anchorOf(text),
    );
    expect(headings.filter((one, index) => headings.indexOf(one) !== index)).toEqual([]);
    const led = [...readFileSync(page, 'utf8').matchAll(/\]\(#([^)]+)\)/g)].map(([, to = '']) => to);
    expect([...new Set(led)].filter((to) => !headings.includes(to))).toEqual([]);
    expect(led.length).toBeGreaterThan(document.operations.length);
  });
});

/** The statuses of each code, as docs/errors.md has them. */
function statusesOfCodes(): Map<string, number[]> {
  const found = new Map<string, number[]>();
  let common = 0;
  for (const line of readFileSync(join(root, 'docs', 'errors.md'), 'utf8').split('\n')) {
    const heading = /^## .*HTTP (\d+)/.exec(line);
    if (heading) common = Number(heading[1]);
    const row = /^\| `(\w+)`(?: \((\d{3})\))? \|/.exec(line);
    if (row?.[1] && common > 0) found.set(row[1], [...(found.get(row[1]) ?? []), Number(row[2] ?? common)]);
  }
  return found;
}
